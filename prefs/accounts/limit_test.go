package accounts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
)

func TestMailbox(t *testing.T) {
	for address, want := range map[string]string{
		"vicTim@example.org":      "email:victim@example.org",
		"victim+a+b@Example.org":  "email:victim@example.org",
		"+only@example.org":       "email:@example.org",
		"vic.tim@example.org":     "email:vic.tim@example.org",
		"no mail address":         "email:no mail address",
		"odd@local@example.org":   "email:odd@local@example.org",
		"victim+tag@l@Example.de": "email:victim@example.de",
	} {
		if got := accounts.Mailbox("email", address); got != want {
			t.Errorf("Mailbox(%q) = %q, want %q", address, got, want)
		}
	}
	if got := accounts.Mailbox("irc", "Bob+x@libera"); got != "irc:bob+x@libera" {
		t.Errorf("of a nick: %q", got)
	}
}

// All spellings of one mailbox are one: who is not here gets five mails in an hour to the plain ones, and five to those
// with a tag.
func TestSpellingsOfOneMailbox(t *testing.T) {
	each(t, func(w *world) {
		sent := 0
		for i := range 64 {
			address := []byte("victim@example.org")
			for bit := range 6 {
				if i>>bit&1 == 1 {
					address[bit] -= 'a' - 'A'
				}
			}
			for _, spelled := range []string{string(address), "victim+" + fmt.Sprint(i) + "@example.org"} {
				if w.ask(spelled, false, fmt.Sprintf("2001:db8:%d::/64", i)).Ref != "" {
					sent++
				}
			}
		}
		if sent != 10 {
			w.Errorf("%d mails to one mailbox", sent)
		}
	})
}

// TestStrangersDoNotUseUpTheOwners is a stranger who asks for an address without end: whenever its owner asks, a link
// that she has, or gets, is good.
func TestStrangersDoNotUseUpTheOwners(t *testing.T) {
	each(t, func(w *world) {
		mails, last := 0, ""
		attack := func() {
			if ticket := w.ask("victim@example.org", true, "stranger"); ticket.Ref != "" {
				mails++
				last = w.mail(ticket)
			}
			w.ask("victim+x@example.org", false, "stranger")
		}
		for range 180 { // three hours
			for range 3 {
				attack()
			}
			if ticket := w.ask("victim@example.org", true, "owner"); ticket.Ref != "" {
				mails++
				last = w.mail(ticket)
			}
			if _, err := w.Find(w.Context(), accounts.MailSignIn, last); err != nil {
				w.Fatalf("after %d mails the owner has no link: %v", mails, err)
			}
			w.pass(time.Minute)
		}
		if mails > 20 {
			w.Errorf("%d mails in three hours", mails)
		}
		if _, err := w.use(last); err != nil {
			w.Fatal(err)
		}
		if w.ask("victim@example.org", true, "owner").Ref == "" {
			w.Error("who has just signed in gets no link")
		}
	})
}

// Strangers use up the budget of unknown addresses, which is an alarm, and people who are here still get their links.
func TestBudgetOfTheSite(t *testing.T) {
	each(t, func(w *world) {
		sent := 0
		for i := range 100 {
			if w.ask(fmt.Sprintf("a%d@example.org", i), false, fmt.Sprintf("net%d", i)).Ref != "" {
				sent++
			}
		}
		if sent != 20 {
			w.Errorf("%d mails to strangers", sent)
		}
		if w.ask("alice@example.org", true, "net1").Ref == "" {
			w.Error("strangers have used up what is for people who are here")
		}
		said := w.Warnings(w.Context())
		if len(said) != 1 || !strings.Contains(said[0], "all 20 mails") {
			w.Errorf("Warnings = %q", said)
		}
		budgets, err := w.Budgets(w.Context())
		if err != nil || !budgets[0].Full() || budgets[0].Refused != 80 || budgets[1].Full() || budgets[1].Used != 1 {
			w.Errorf("Budgets = %+v, %v", budgets, err)
		}
		w.pass(time.Hour)
		if said := w.Warnings(w.Context()); len(said) != 0 {
			w.Errorf("an hour later: %q", said)
		}
	})
}

// One network has a part of the budget.
func TestNetworkThatAsksForStrangers(t *testing.T) {
	each(t, func(w *world) {
		big := accounts.NewMailed(accounts.MailedConfig{Writer: w.db.Writer, Reader: w.db.Reader, Now: w.now,
			Random: zeros{}, Budget: 1000})
		w.Mailed = big
		sent := 0
		for i := range 100 {
			if w.ask(fmt.Sprintf("a%d@example.org", i), false, "one").Ref != "" {
				sent++
			}
		}
		if sent != 30 {
			w.Errorf("%d mails for one network", sent)
		}
		if w.ask("z@example.org", false, "other").Ref == "" {
			w.Error("another network gets none")
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// TestCodesOfStrangers: strangers ask for codes to an address without end, and its owner confirms it all the same.
func TestCodesOfStrangers(t *testing.T) {
	each(t, func(w *world) {
		code := func(user uint) (ticket accounts.Ticket) {
			w.in(func(tx *gorm.DB) (err error) {
				r := accounts.MailRequest{Purpose: accounts.MailConfirm, User: user, Destination: user, Backend: "email",
					Address: "carol@example.org"}
				ticket, err = w.AskCode(tx, r, accounts.Asker{User: user})
				return err
			})
			return ticket
		}
		mails := 0
		for stranger := range uint(4) {
			for range 12 {
				if code(10+stranger).Ref != "" {
					mails++
				}
				w.pass(2 * time.Minute)
			}
		}
		if mails > 4+8 {
			w.Errorf("%d mails", mails)
		}
		own := code(1)
		if own.Ref == "" {
			w.Fatal("strangers keep the owner from confirming her address")
		}
		secret := w.mail(own)
		w.pass(3 * time.Hour)
		if again := code(1); again.Ref == "" { // then what she has is good for longer
			if !again.TooOften {
				w.Errorf("%+v", again)
			}
		}
		fits := false
		w.in(func(tx *gorm.DB) (err error) {
			r := accounts.MailRequest{Purpose: accounts.MailConfirm, User: 1, Destination: 1, Backend: "email",
				Address: "carol@example.org"}
			fits, err = w.Try(tx, r, strings.ToLower(secret))
			return err
		})
		if !fits {
			w.Error("her code is not good")
		}
	})
}
