package operators

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/visit"
)

// perPage is how many accounts, addresses or deliveries a page shows.
const perPage = 50

// findView is the first page: what was asked for, or a list of accounts.
type findView struct {
	Typed, List string
	Message     bool // what was typed is the id of a message, and these got notices of it
	Accounts    []accountLine
	Next        string
}

// accountLine is an account in a list.
type accountLine struct {
	Page, Name, Proof, Role, Disabled string
	ID                                uint
	Has                               string // how many filters and destinations
	Stopped                           int
	Created, Used                     string
}

func (o Options) find(v *visit.Visit) (*visit.View, error) {
	query := v.Request.URL.Query()
	page := findView{Typed: text.OneLine(query.Get("q")), List: query.Get("list")}
	found, err := o.found(v, &page)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		page.Accounts = append(page.Accounts, o.line(a, v))
	}
	if page.Typed == "" && len(found) == perPage {
		next := url.Values{"after": {strconv.FormatUint(uint64(found[perPage-1].ID), 10)}}
		if page.List != "" {
			next.Set("list", page.List)
		}
		page.Next = "/operators?" + next.Encode()
	}
	return &visit.View{Template: "operators", Title: "Accounts", Here: tab, Data: page}, nil
}

// found returns the accounts of the page.
func (o Options) found(v *visit.Visit, page *findView) ([]prefs.Account, error) {
	if page.Typed == "" {
		after, _ := strconv.ParseUint(v.Request.URL.Query().Get("after"), 10, 32) // anything else means the first page
		return o.People.List(v.Context(), prefs.AccountQuery{
			Claimed: page.List == "claimed", Disabled: page.List == "disabled", After: uint(after), Limit: perPage,
		})
	}
	found, err := o.People.Find(v.Context(), page.Typed)
	if err != nil || len(found) > 0 {
		return found, err
	}
	sent, err := o.Outbox.Find(v.Context(), outbox.Query{Message: page.Typed})
	if err != nil || len(sent) == 0 {
		return nil, err
	}
	page.Message = true
	keys := make([]string, len(sent))
	for i, e := range sent {
		keys[i] = e.Destination
	}
	slices.Sort(keys)
	return o.People.Holding(v.Context(), slices.Compact(keys))
}

func (o Options) line(a prefs.Account, v *visit.Visit) accountLine {
	l := accountLine{
		Page: accountPage(a.ID), Name: title(a.User), Proof: a.User.Proof.Words(), Disabled: a.Disabled, ID: a.ID,
		Stopped: a.Stopped,
		Has: text.Plural(a.Filters, "filter", "filters") + ", " +
			text.Plural(a.Destinations, "destination", "destinations"),
		Created: day(a.Created, v.Zone), Used: day(a.Used, v.Zone),
	}
	if role := o.role(a.User); role > accounts.User {
		l.Role = role.String()
	}
	return l
}

func (o Options) role(u prefs.User) accounts.Role {
	if o.Role == nil {
		return accounts.User
	}
	return o.Role(u)
}

func accountPage(id uint) string { return "/operators/accounts/" + strconv.FormatUint(uint64(id), 10) }

// title is what an account is called: by its name, or by its number where it has none.
func title(u prefs.User) string {
	if u.Name == "" {
		return "account " + strconv.FormatUint(uint64(u.ID), 10)
	}
	return u.Name
}

// day formats a day; "never" for none.
func day(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "never"
	}
	return t.In(zone).Format("2 January 2006")
}

func moment(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "never"
	}
	return t.In(zone).Format("2 January 2006, 15:04")
}

// stoppedView is the list of addresses that refuse what is sent.
type stoppedView struct {
	Lines []stoppedLine
	Next  string
}

type stoppedLine struct{ Page, Account, Backend, Address, Why string }

// stopped lists the destinations that refuse what is sent.
func (o Options) stopped(v *visit.Visit) (*visit.View, error) {
	after, _ := strconv.ParseUint(v.Request.URL.Query().Get("after"), 10, 32)
	found, err := o.People.Stopped(v.Context(), uint(after), perPage)
	if err != nil {
		return nil, err
	}
	var page stoppedView
	names := map[uint]string{}
	for _, d := range found {
		if _, known := names[d.UserID]; !known {
			u, err := o.Accounts.User(v.Context(), d.UserID)
			if err != nil {
				return nil, err
			}
			names[d.UserID] = title(u)
		}
		page.Lines = append(page.Lines, stoppedLine{
			Page: accountPage(d.UserID), Account: names[d.UserID], Backend: d.Backend, Address: address(d.Address, v.Role),
			Why: d.Disabled,
		})
	}
	if len(found) == perPage {
		page.Next = "/operators/stopped?after=" + strconv.FormatUint(uint64(found[perPage-1].ID), 10)
	}
	return &visit.View{Template: "operators-stopped", Title: "Stopped addresses", Here: tab, Data: page}, nil
}

// address is one as a role sees it.
func address(address string, role accounts.Role) string {
	if role < accounts.Admin {
		return text.Mask(address)
	}
	return address
}
