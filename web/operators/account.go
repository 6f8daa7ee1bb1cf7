package operators

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/changes"
	"github.com/notifyd/notifyd/web/visit"
)

// accountView is an account, beside what its owner sees.
type accountView struct {
	accountLine
	Zone, DisabledBy, LastUse string
	Sessions                  int
	Passkeys                  int
	Identities                []identityLine
	Masked                    bool // a helper looks: addresses and values are hidden
	Admin, Fresh              bool
	Changes                   []changes.Line
	Older                     string // the address of older changes
}

// identityLine is an account at a provider.
type identityLine struct{ Issuer, Name, Used string }

// shownChanges is how many changes an account's page shows.
const shownChanges = 20

// account shows an account as its owner sees it.
func (o Options) account(v *visit.Visit) (*visit.View, error) {
	a, err := o.looked(v, "the account")
	if err != nil {
		return nil, err
	}
	page := accountView{
		accountLine: o.line(a, v), Zone: a.Location().String(), DisabledBy: a.DisabledBy,
		LastUse: moment(a.Used, v.Zone), Masked: v.Role < accounts.Admin, Admin: v.Role >= accounts.Admin,
	}
	logins, err := o.Logins.List(v.Context(), a.ID)
	if err != nil {
		return nil, err
	}
	page.Sessions = len(logins)
	keys, err := o.Passkeys.List(v.Context(), a.ID)
	if err != nil {
		return nil, err
	}
	page.Passkeys = len(keys)
	known, err := o.Accounts.Identities(v.Context(), a.ID)
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		page.Identities = append(page.Identities, identityLine{k.Issuer, k.Name, moment(k.Used, v.Zone)})
	}
	before, _ := strconv.ParseInt(v.Request.URL.Query().Get("before"), 10, 64) // anything else means the newest
	entries, err := o.Audit.Of(v.Context(), a.ID, max(before, 0), shownChanges)
	if err != nil {
		return nil, err
	}
	if len(entries) == shownChanges {
		page.Older = fmt.Sprintf("%s?before=%d#changes", page.Page, entries[shownChanges-1].ID)
	}
	page.Changes = changes.Lines(entries, v.Zone)
	for i := range page.Changes {
		seenByOperator(&page.Changes[i], page.Masked)
	}
	return &visit.View{
		Template: "operators-account", Title: "Account " + page.Name, Here: tab, Data: page,
		Owner: &visit.Owner{User: a.User, Masked: page.Masked},
	}, nil
}

// seenByOperator changes a line that is meant for the owner of the account.
func seenByOperator(l *changes.Line, masked bool) {
	if l.By == "you" {
		l.By = "its owner"
	}
	if masked {
		l.Named, l.Differences, l.Network = "", nil, "" // they have addresses
	}
}

// looked returns the account that the path names, and notes first that the visitor looks at it. Who looks at their own
// is not noted.
func (o Options) looked(v *visit.Visit, page string) (prefs.Account, error) {
	a, err := o.there(v)
	if err != nil || a.ID == v.User.ID {
		return a, err
	}
	return a, o.People.Looked(v.Context(), a.ID, page)
}

// there returns the account that the path names.
func (o Options) there(v *visit.Visit) (prefs.Account, error) {
	id, err := v.ID("id")
	if err != nil {
		return prefs.Account{}, err
	}
	return o.People.Get(v.Context(), id)
}

// messageView is what became of a message for an account.
type messageView struct {
	Page, Name, Typed string
}

// maxMessageID bounds the id of a message that somebody types.
const maxMessageID = 512

// message explains why a notice of a message came to an account, or why it did not.
func (o Options) message(v *visit.Visit) (*visit.View, error) {
	id := strings.TrimSpace(v.Request.URL.Query().Get("id"))
	if i := strings.LastIndex(id, "/messages/"); i >= 0 { // the address of its page
		id = id[i+len("/messages/"):]
	}
	if id == "" || len(id) > maxMessageID {
		return nil, visit.Fail(404, "There is no such message, or it is older than what is kept.")
	}
	a, err := o.looked(v, "the message "+text.OneLine(id))
	if err != nil {
		return nil, err
	}
	return &visit.View{
		Template: "operators-message", Title: "A message for " + title(a.User), Here: tab,
		Data:  messageView{accountPage(a.ID), title(a.User), id},
		Owner: &visit.Owner{User: a.User, Masked: v.Role < accounts.Admin, Message: id},
	}, nil
}
