package security

import (
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// Letters tell the owner of an account of a change of what lets somebody in: by mail, to the account's other addresses,
// in the transaction of the change. What the mail quotes (an address, the name of a token) is written by whoever made
// the change; it is defanged, so that no program makes a link of it: the one link in the mail is that which undoes.
type Letters struct {
	Mailed  func() *accounts.Mailed
	Add     func(tx *gorm.DB, list []outbox.Delivery) error
	BaseURL string
	// Configured gives the backends that the site uses. Where none of them mails links nothing is mailed. Of addresses
	// that agents fetch from their tokens are told.
	Configured func() []backends.Info
	Now        func() time.Time
}

// Told is prefs.Config.Told.
func (l Letters) Told(tx *gorm.DB, h accounts.Happened) error {
	configured := l.Configured()
	mail := Mail(configured)
	if mail.Name == "" || h.Kind == accounts.AddressAdded && Silent(configured)(h.Backend) {
		return nil
	}
	letters, err := l.Mailed().Tell(tx, h, mail.Name)
	if err != nil || len(letters) == 0 {
		return err
	}
	list := make([]outbox.Delivery, len(letters))
	for i, letter := range letters {
		list[i] = l.mail(mail.Name, letter, accounts.ActorOf(tx.Statement.Context).Of(h.User))
	}
	return l.Add(tx, list)
}

// Began is accounts.Logins.OnBegin: it tells of a sign-in from where the person has not signed in before.
func (l Letters) Began(tx *gorm.DB, login accounts.Login, seen bool) error {
	if seen {
		return nil
	}
	tx = tx.WithContext(accounts.WithActor(tx.Statement.Context, accounts.Actor{Network: login.Network}))
	return l.Told(tx, accounts.Happened{User: login.User, Kind: accounts.NewSignIn,
		About: accounts.AgentWords(login.Agent)})
}

func (l Letters) mail(backend string, letter accounts.Letter, by accounts.Actor) outbox.Delivery {
	now := l.Now()
	at := letter.At
	if at.IsZero() {
		at = now
	}
	account := "your account"
	if letter.Account != "" {
		account = "the account " + text.Defang(letter.Account)
	}
	what := said[letter.Kind]
	body := []string{strings.NewReplacer("ACCOUNT", account, "ABOUT", quoted(letter.Happened)).Replace(what.text),
		"It was done at " + at.UTC().Format("15:04 on 2 January 2006") + " (UTC)" + from(by) + ". " +
			"If that was you, there is nothing to do."}
	n := backends.Notice{ID: letter.Ticket.Message, Time: now.UTC(), Severity: "info", Title: what.title}
	if letter.Ticket.Ref != "" {
		n.Secret, n.Link = letter.Ticket.Ref, l.url("/undo/"+backends.SecretMark)
		body = append(body, "If it was not you: open the link below and press the button. It undoes this and what was changed "+
			"after it, and signs everybody out of the account. It works for 7 days, once, and without signing in.")
	}
	n.Text = strings.Join(body, "\n\n")
	return outbox.Delivery{Message: n.ID, Destination: outbox.Account + backend + ":" + letter.Address,
		Backend: backend, Address: letter.Address, Notice: n, Manage: l.url("/"), DueAt: now}
}

func (l Letters) url(path string) string { return strings.TrimSuffix(l.BaseURL, "/") + path }

func from(by accounts.Actor) string {
	switch {
	case by.Kind == accounts.Operator || by.Kind == accounts.Command || by.Kind == accounts.Link:
		return ", by " + by.By()
	case by.Network != "":
		return ", from the network " + text.Defang(by.Network)
	}
	return ""
}

func quoted(h accounts.Happened) string {
	about := h.About
	if about == "" {
		about = h.Address
	}
	return text.Defang(text.OneLine(about))
}

// said is what a letter says of each kind of change. ABOUT is what it is about.
var said = map[accounts.Happening]struct{ title, text string }{
	accounts.AddressAdded: {"An address was added to your account",
		"ABOUT was added to ACCOUNT and confirmed. Notices go there from now on; it cannot be used to sign in."},
	accounts.AddressRemoved: {"An address was removed from your account",
		"ABOUT was removed from ACCOUNT. Nothing is sent there any more, and it no longer lets you in."},
	accounts.AddressRestored: {"An address was restored to your account",
		"ABOUT had been removed from ACCOUNT. A link that was mailed there has brought it back and has signed everybody out."},
	accounts.WayInAdded: {"An address may now sign in to your account",
		"Whoever reads mail to ABOUT can sign in to ACCOUNT from now on."},
	accounts.WayInRemoved: {"An address may no longer sign in to your account",
		"Mail to ABOUT no longer lets anybody sign in to ACCOUNT."},
	accounts.TokenMade: {"A token was made for your account",
		"A token was made for ACCOUNT. Whoever has it reads the notices of your desktop. Its name is: ABOUT"},
	accounts.IdentityLinked: {"A way to sign in was added to your account",
		"ABOUT was linked to ACCOUNT, and can be used to sign in."},
	accounts.IdentityUnlinked: {"A way to sign in was removed from your account",
		"ABOUT was unlinked from ACCOUNT, and can no longer be used to sign in."},
	accounts.PasskeyAdded: {"A passkey was added to your account",
		"A passkey was added to ACCOUNT: ABOUT. From now on a mailed link asks for a passkey too."},
	accounts.PasskeyRemoved: {"A passkey was removed from your account",
		"A passkey was removed from ACCOUNT: ABOUT."},
	accounts.NameLost: {"The name of your account belongs to somebody else",
		"ACCOUNT had chosen the name ABOUT. It is proved now that it is another person's name, so your account has none. Your " +
			"filters stay; those that say @me match nothing until your own name is proved. The page Settings says how."},
	accounts.NewSignIn: {"A new sign-in to your account",
		"Somebody signed in to ACCOUNT from a place, or with a program, that was not seen there before: ABOUT."},
}
