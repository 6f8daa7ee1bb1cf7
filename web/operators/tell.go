package operators

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/web/visit"
)

// A Word is what a user is told about what an operator has done to the account.
type Word struct {
	Title, Text string
	By          string // "helper carol"
	Page        string // where the user sees it
	Apart       bool   // beside what is owed to the account, which is held while it is off
}

// SwitchedOff is the word of an account that is off from now on. Its owner can open no page.
func SwitchedOff(reason string) Word {
	return Word{Apart: true, Title: "An operator has switched off your account", Text: "The reason: " + reason +
		"\n\nNothing is sent to you, and you cannot sign in. What you have set up is kept. If you think that this is " +
		"wrong, ask those who run this service."}
}

// SwitchedOn is the word of an account that is on again.
func SwitchedOn() Word {
	return Word{Title: "An operator has switched on your account again", Page: "/",
		Text: "Notices are sent again, those too that waited."}
}

// Deliveries gives the word to each place that takes notices now. base is the address of the pages; "": there are none.
func (w Word) Deliveries(ds []prefs.Destination, base string, now time.Time) (list []outbox.Delivery) {
	base = strings.TrimSuffix(base, "/")
	for _, d := range ds {
		if !d.Confirmed || !d.On || d.Disabled != "" {
			continue
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s", d.ID, now.UnixNano(), w.Title, w.Text))
		n := backends.Notice{ID: "account-" + hex.EncodeToString(sum[:12]), Time: now.UTC(), Severity: "info",
			Title: w.Title, Text: w.Text + "\n\nIt was " + w.By + "."}
		one := outbox.Delivery{Message: n.ID, Destination: prefs.Key(d.ID), Backend: d.Backend, Address: d.Address,
			DueAt: now}
		if w.Apart {
			one.Destination = outbox.Account + d.Backend + ":" + d.Address
		}
		if base != "" && !w.Apart {
			n.Text += " What was changed of your account, and by whom, is on its page of changes: " + base +
				"/settings/history"
			n.Link, one.Manage = base+w.Page, base+"/"
		}
		one.Notice = n
		list = append(list, one)
	}
	return list
}

// tell sends word to a user about what an operator has done to the account. page is where the user sees it.
func (o Options) tell(v *visit.Visit, user prefs.User, title, words, page string) error {
	return o.say(v, user, Word{Title: title, Text: words, Page: page})
}

func (o Options) say(v *visit.Visit, user prefs.User, word Word) error {
	ds, err := o.Destinations.List(v.Context(), user.ID)
	if err != nil {
		return err
	}
	by := v.User.Name
	if by == "" {
		by = "somebody without a name"
	}
	word.By = v.Role.String() + " " + by
	for _, d := range word.Deliveries(ds, o.BaseURL, v.Now) {
		if err := o.Queue(v.Context(), d); err != nil {
			return err
		}
	}
	return nil
}
