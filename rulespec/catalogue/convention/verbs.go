package convention

import "strings"

// A verb is what happened, as topics and actions name it.
type verb struct {
	past  string // created, set
	does  sort
	known bool // from the table; otherwise a guess by the ending
}

// A sort of verb says who or what does it.
type sort int

const (
	byPeople sort = iota + 1 // somebody does it to a thing: alice closed the issue
	byItself                 // the thing does it: the build failed
)

// bases are verbs with a regular past, for people and for things. nouns are those of them that are names of things as
// well: such a word is a verb only at the end of a topic with a name before it.
const (
	bases = "abandon accept acknowledge activate add adopt aggregate announce answer apply approve archive " +
		"assign award block cancel change clear clone close comment commit configure confirm convert copy " +
		"correct create deactivate decline delegate delete demote deploy deprecate destroy disable dismiss " +
		"downgrade drop edit eject enable enqueue exclude export extend file fix flag follow fork freeze " +
		"generate grant hide implement import include index ingest install invite join label launch link " +
		"list lock mark mention merge migrate milestone mirror modify move nominate note obsolete open order " +
		"orphan package patch pause pin plan post postpone process promote propose publish pull purge push " +
		"queue react rebase rebuild reboot receive refresh refuse register reject release remove rename " +
		"renew reopen replace reply report request require reschedule reset resolve restart restore resume " +
		"retire retract retry return revert review revoke rotate save schedule score send share sign skip " +
		"split star start stop submit subscribe suspend synchronize tag test transfer transition trash " +
		"triage trigger type unapprove unarchive unassign unassign unblock unfollow unlabel unlist unlock " +
		"unmilestone unpin unpublish unretire unstar unsubscribe untag update upgrade upload upvote vote " +
		"verify view visit waive warn watch withdraw"
	itself = "abort boot complete conclude crash degrade end error expire fail finish happen idle pass recover succeed"
	both   = " build change clone commit comment document fix flag fork index invite label link list milestone mirror " +
		"note notice order package patch plan post process pull queue release reply report request review " +
		"schedule share sign star tag test transfer trigger type update upgrade upload view visit vote watch "
)

// others are words whose past does not follow from them: what it is, and the words.
var others = []struct {
	past  string
	does  sort
	words string
}{
	{"created", byPeople, "new creation"},
	{"removed", byPeople, "rm removal"},
	{"deleted", byPeople, "del deletion"},
	{"added", byPeople, "addition"},
	{"commented", byPeople, "note"},
	{"replied", byPeople, "reply"},
	{"built", byPeople, "build built"},
	{"rebuilt", byPeople, "rebuild rebuilt"},
	{"sent", byPeople, "send sent"},
	{"left", byPeople, "leave left"},
	{"withdrawn", byPeople, "withdraw withdrawn"},
	{"frozen", byPeople, "freeze frozen"},
	{"hidden", byPeople, "hide hidden"},
	{"split", byPeople, "split"},
	{"reset", byPeople, "reset"},
	{"set", byPeople, "set"},
	{"read", byPeople, "read"},
	{"synchronized", byPeople, "sync synced synchronise synchronised"},
	{"cancelled", byPeople, "cancel cancelled canceled"},
	{"finished", byItself, "done"},
	{"passed", byItself, "ok"},
	{"succeeded", byItself, "success"},
	{"failed", byItself, "failure failing"},
	{"broke", byItself, "broken"},
	{"timed out", byItself, "timeout"},
	{"failed with an error", byItself, "error errored"},
	{"ended", byItself, "exit exited"},
	{"started", byItself, "begin began"},
	{"ran", byItself, "run"},
	{"died", byItself, "died"},
	{"is running", byItself, "running"},
	{"is pending", byItself, "pending"},
	{"is waiting", byItself, "waiting"},
	{"is queued", byItself, "queued"},
	{"is being built", byItself, "building"},
	{"is starting", byItself, "starting"},
	{"is ready", byItself, "ready"},
	{"logged in", byItself, "login"},
	{"logged out", byItself, "logout"},
}

// irregular are pasts without the usual ending.
const irregular = "sold bought lost won held kept paid met made given taken written drawn shown seen found bound " +
	"brought put cut shut caught chosen forgotten overridden stolen torn"

// notVerbs end like a verb and are none.
const notVerbs = " feed seed speed need embed bed red hundred breed deed weed shed sacred biased mixed "

var verbTable = tableOfVerbs()

func tableOfVerbs() map[string]verb {
	table := map[string]verb{}
	for words, does := range map[string]sort{bases: byPeople, itself: byItself} {
		for _, base := range strings.Fields(words) {
			v := verb{pastOf(base), does, true}
			table[base], table[v.past] = v, v
		}
	}
	for _, o := range others {
		for word := range strings.FieldsSeq(o.words) {
			table[word] = verb{o.past, o.does, true}
		}
	}
	for _, past := range strings.Fields(irregular) {
		table[past] = verb{past, byPeople, true}
	}
	return table
}

// doubled are bases whose last letter is doubled.
const doubled = " drop flag plan ship star stop submit tag commit pin unpin unstar untag transfer defer refer permit "

func pastOf(base string) string {
	switch last := base[len(base)-1]; {
	case last == 'e':
		return base + "d"
	case last == 'y' && !strings.ContainsRune("aeiou", rune(base[len(base)-2])):
		return base[:len(base)-1] + "ied"
	case strings.Contains(doubled, " "+base+" "):
		return base + base[len(base)-1:] + "ed"
	}
	return base + "ed"
}

// verbOf reads a word as a verb; false where it is none.
func verbOf(word string) (verb, bool) {
	if v, ok := verbTable[word]; ok {
		return v, true
	}
	if len(word) > 4 && strings.HasSuffix(word, "ed") && !strings.Contains(notVerbs, " "+word+" ") {
		return verb{past: word, does: byPeople}, true
	}
	return verb{}, false
}

// isBoth says whether a word is the name of a thing as well.
func isBoth(word string) bool { return strings.Contains(both, " "+word+" ") }
