package accounts

// A What is what was done, as object.verb. The words are fixed: programs read them in exports, and pages have a
// sentence for each. Whoever adds one adds its sentence below.
type What string

// These are the things that are noted.
const (
	AccountRegister What = "account.register"
	AccountRename   What = "account.rename" // name or proof, before and after
	AccountProof    What = "account.proof"  // how the name is proved
	AccountRelease  What = "account.release"
	AccountZone     What = "account.zone"
	AccountDisable  What = "account.disable"
	AccountEnable   What = "account.enable"
	AccountDelete   What = "account.delete"
	AccountQuiet    What = "account.quiet"
	AccountPause    What = "account.pause"
	AccountResume   What = "account.resume"
	AccountExport   What = "account.export"
	AccountLook     What = "account.look" // an operator looked at its pages
	AccountUndo     What = "account.undo" // of a change, by the link in the mail that told of it

	DestinationAdd      What = "destination.add"
	DestinationCode     What = "destination.code"
	DestinationConfirm  What = "destination.confirm"
	DestinationOn       What = "destination.on"
	DestinationOff      What = "destination.off"
	DestinationRefuse   What = "destination.refuse" // switched off, since its server refuses
	DestinationSchedule What = "destination.schedule"
	DestinationFallback What = "destination.fallback"
	AccountEscalation   What = "account.escalation"
	DestinationCap      What = "destination.cap"
	DestinationQuiet    What = "destination.quiet"
	DestinationLooks    What = "destination.looks"
	DestinationSignIn   What = "destination.sign_in" // whether it may sign in
	DestinationDelete   What = "destination.delete"
	DestinationRespell  What = "destination.respell" // its address is written as the network writes it
	DestinationLose     What = "destination.lose"    // its address is another account's, which had it before
	DestinationDoubt    What = "destination.doubt"   // the directory vouches for it no more

	FilterSave     What = "filter.save" // before is empty for a new one
	FilterOn       What = "filter.on"
	FilterOff      What = "filter.off"
	FilterUsed     What = "filter.used" // it was to send once, and has
	FilterDear     What = "filter.dear" // it takes too many steps
	FilterDetach   What = "filter.detach"
	FilterSchedule What = "filter.schedule" // for one destination
	FilterAttach   What = "filter.attach"
	FilterDelete   What = "filter.delete"

	MuteMake   What = "mute.make" // before is what it was, where one of the same thing was on
	MuteEnd    What = "mute.end"
	MuteSolved What = "mute.solved" // it has ended, since a message says that the thing is solved

	NoticeResend What = "notice.resend"
	NoticeNow    What = "notice.now"  // what waited for a destination was sent at once
	NoticeDrop   What = "notice.drop" // what waited for a destination was thrown away
	NoticeKeep   What = "notice.keep" // what was thrown away waits again

	TokenNew    What = "token.new"
	TokenRevoke What = "token.revoke"

	LoginNew    What = "login.new"
	LoginEnd    What = "login.end"
	LoginEndAll What = "login.end_all"

	IdentityLink   What = "identity.link"
	IdentityUnlink What = "identity.unlink"
	IdentityMove   What = "identity.move" // an operator has bound it to another account

	PasskeyAdd    What = "passkey.add"
	PasskeyRemove What = "passkey.remove"
)

// sentences says each thing in words, as they follow "what happened:" on a page.
var sentences = map[What]string{
	AccountRegister: "the account was made",
	AccountRename:   "the account's name was changed",
	AccountProof:    "how the account's name is proved has changed",
	AccountRelease:  "the account's name was taken away",
	AccountZone:     "the time zone was changed",
	AccountDisable:  "the account was switched off",
	AccountEnable:   "the account was switched on again",
	AccountDelete:   "the account was deleted",
	AccountQuiet:    "the quiet hours were changed",
	AccountPause:    "everything was paused",
	AccountResume:   "a pause was ended",
	AccountExport:   "all that is stored about the account was exported",
	AccountLook:     "an operator looked at the account's pages",
	AccountUndo:     "a change was undone, by the link in the mail about it",

	DestinationAdd:      "a destination was added",
	DestinationCode:     "a code was sent, to confirm a destination",
	DestinationConfirm:  "a destination was confirmed",
	DestinationOn:       "a destination was switched on",
	DestinationOff:      "a destination was switched off",
	DestinationRefuse:   "a destination was switched off, since it refuses what is sent",
	DestinationSchedule: "when a destination gets its notices was changed",
	DestinationFallback: "where a notice goes that a destination does not take was changed",
	AccountEscalation:   "where critical notices go was changed",
	DestinationCap:      "how much a destination gets at once was changed",
	DestinationLooks:    "the looks of what a destination gets were changed",
	DestinationQuiet:    "the quiet hours of a destination were changed",
	DestinationSignIn:   "whether a destination may sign in was changed",
	DestinationDelete:   "a destination was deleted",
	DestinationRespell:  "the address of a destination is written in another way, and is the same",
	DestinationLose:     "a destination needs a code again, since another account has confirmed the same address before",
	DestinationDoubt:    "a destination needs a code, since the directory no longer says whose it is",

	FilterSave:     "a filter was saved",
	FilterOn:       "a filter was switched on",
	FilterOff:      "a filter was switched off",
	FilterUsed:     "a filter that sends once has sent, and is off",
	FilterDear:     "a filter was switched off, since it is too expensive",
	FilterSchedule: "when a filter reaches a destination was changed",
	FilterDetach:   "a filter no longer reaches a destination",
	FilterAttach:   "a filter reaches a destination again",
	FilterDelete:   "a filter was deleted",

	MuteMake:   "something was muted",
	MuteEnd:    "a mute was ended",
	MuteSolved: "a mute has ended, since what it was of is solved",

	NoticeResend: "a notice that had failed was sent again",
	NoticeNow:    "what waited for a destination was sent at once",
	NoticeDrop:   "what waited for a destination was thrown away",
	NoticeKeep:   "what was thrown away waits for a destination again",

	TokenNew:    "a token was made",
	TokenRevoke: "a token was revoked",

	LoginNew:    "somebody signed in",
	LoginEnd:    "a session was ended",
	LoginEndAll: "all sessions were ended",

	IdentityLink:   "a way to sign in was added",
	IdentityUnlink: "a way to sign in was removed",
	IdentityMove:   "a way to sign in was given to another account",

	PasskeyAdd:    "a passkey was added",
	PasskeyRemove: "a passkey was removed",
}

// Words says what was done, as a clause; "" for what is no What.
func (w What) Words() string { return sentences[w] }
