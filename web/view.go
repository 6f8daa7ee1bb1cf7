package web

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web/visit"
	"github.com/notifyd/notifyd/web/when"
)

// layout is the data of what every page shows around its content.
type layout struct {
	Title    string
	Here     string // the entry of the navigation that the page belongs to
	Account  string
	SignedIn bool
	Zone     string
	Flash    *flash
	Reports  bool   // there are some
	Operator bool   // a helper or an admin
	Claimed  bool   // everybody chooses a name, and is believed
	Feed     string // of this page; "": none
	Paused   string // until when everything is paused, and how much is kept; "": nothing is
}

// layout makes the layout of a page and takes the flash that the last request left.
func (req *request) layout(title, here string) layout {
	l := layout{Title: title, Here: here, Account: req.accountName(), Claimed: req.ClaimedNames(),
		SignedIn: req.user.ID != 0, Zone: "UTC",
		Reports: req.Reports != nil, Operator: req.role() > accounts.User}
	if req.zone != nil {
		l.Zone = req.zone.String()
	}
	l.Paused = req.paused()
	if req.hasSession {
		if kept, ok := req.sessions.Pop(req.r.Context(), keyFlash).(flash); ok {
			l.Flash = &kept
		}
	}
	return l
}

// paused says on every page of somebody whose notices are paused that they are.
func (req *request) paused() string {
	if !req.user.Pause.On(req.Now()) {
		return ""
	}
	own, err := req.Destinations.List(req.r.Context(), req.user.ID)
	kept := 0
	if err == nil {
		kept, _, err = when.Held(req.r.Context(), req.Outbox, req.user, own)
	}
	if err != nil {
		req.Log.Error("cannot count what a pause keeps", "error", err)
	}
	return when.Paused(req.user.Pause, kept, req.Now(), req.zone)
}

// accountName is what the pages call the visitor's account.
func (req *request) accountName() string {
	switch {
	case req.user.ID == 0 || req.me() != "":
		return req.user.Name
	case req.user.Name != "":
		return req.user.Name + " (not proved)"
	}
	return "no name yet"
}

// filterView is a filter in a list.
type filterView struct {
	ID                             uint
	Name, Page, Sentence, To, From string
	On, OneShot                    bool
	Ends                           string // when it ends or has ended, in words
	Ended                          bool
	Broken, Warning                string
	Nameless                       bool   // it waits for a proved name
	OffBy, OffReason               string // an operator has switched it off
}

func (req *request) filterView(f prefs.Filter, ds []prefs.Destination, from string) filterView {
	view := filterView{
		ID: uint(f.ID), Name: f.Name, Page: filterPage(f.ID), Sentence: capital(req.sentence(f.Filter)) + ".", From: from,
		On: f.On, OneShot: f.OneShot, Broken: req.trouble(f), Nameless: f.Nameless, OffBy: f.OffBy, OffReason: f.OffReason,
	}
	if !f.Ends.IsZero() {
		view.Ends, view.Ended = schedule.EndWords(f.Ends, req.user.Location()), f.Ended(req.Now())
	}
	view.To, view.Warning = req.reach(f, ds)
	if !f.On {
		view.Warning = ""
	}
	return view
}

// trouble returns why a filter cannot match now: its rules are wrong, the catalogue no longer has a message kind that
// it names, or the directory lacks what it needs. "" when nothing is wrong.
func (req *request) trouble(f prefs.Filter) string {
	if f.Broken != "" {
		return f.Broken + "."
	}
	own := f.Filter
	own.Name, own.Owner = "", req.me() // the page shows the name already
	wrong := rulespec.Check(req.env(), own)
	if len(wrong) == 0 {
		wrong = rulespec.Missing(own, req.Directory())
	}
	if len(wrong) == 0 {
		return ""
	}
	return userText(wrong[0])
}

// reach returns where a filter's notices go, and a warning when they go nowhere.
func (req *request) reach(f prefs.Filter, ds []prefs.Destination) (to, warning string) {
	var names []string
	live := 0
	for _, d := range ds {
		if len(f.Destinations) > 0 && !containsID(f.Destinations, d.ID) {
			continue
		}
		name := req.destinationView(d).Address
		switch {
		case !d.Confirmed:
			name += " (not confirmed)"
		case !d.On || d.Disabled != "":
			name += " (off)"
		default:
			live++
		}
		names = append(names, name)
	}
	switch {
	case len(names) == 0:
		return "nowhere", "It reaches you nowhere: there is no destination for it."
	case live == 0:
		warning = "It reaches you nowhere: every destination it goes to is off or not confirmed."
	}
	if len(f.Destinations) == 0 && len(names) > 1 {
		return "everywhere: " + text.Series(names, "and"), warning
	}
	return text.Series(names, "and"), warning
}

func containsID(ids []uint, id uint) bool {
	for _, have := range ids {
		if have == id {
			return true
		}
	}
	return false
}

func filterPage(id rulespec.FilterID) string { return "/filters/" + strconv.FormatUint(uint64(id), 10) }

func messagePage(id string) string { return "/messages/" + url.PathEscape(id) }

// destinationView is a destination in a list and at the head of its page.
type destinationView struct {
	ID                                   uint
	Page, Address, Backend, BackendTitle string
	Confirmed, On                        bool
	Disabled, OffReason, Schedule, Next  string
	Vouched                              bool   // no code has confirmed it: the directory says whose it is
	Caution                              string // what is to be known of the address
	Account                              string // of the network of the address, whose holder gets the notices
}

func (req *request) destinationView(d prefs.Destination) destinationView {
	info := req.backend(d.Backend)
	title := cmp.Or(info.Title, d.Backend)
	view := destinationView{
		ID: d.ID, Page: "/destinations/" + strconv.FormatUint(uint64(d.ID), 10), Address: d.Address, Backend: title,
		BackendTitle: title,
		Confirmed:    d.Confirmed, On: d.On, Disabled: d.Disabled, OffReason: d.OffReason,
		Schedule: when.Words(d.Schedule),
	}
	view.Account, view.Vouched = d.Account, d.Vouched
	if info.Caution != nil {
		view.Caution = info.Caution(d.Address)
	}
	if req.masked {
		view.Address, view.Account = text.Mask(d.Address), ""
	}
	if info.Agent != "" {
		view.Address = "Your " + strings.ToLower(title)
	}
	if d.On && d.Disabled == "" {
		owner := req.user
		if owner.ID != d.UserID { // an operator looks
			owner = prefs.User{}
		}
		view.Next = when.Next(d, owner, req.Now(), req.zone)
	} else {
		view.Next = "Nothing is sent here while it is off."
	}
	return view
}

// ruleOutcome is the outcome of one rule for a message.
type ruleOutcome struct {
	Sentence, Reason, Trouble string
	Holds                     bool
}

func (req *request) ruleOutcomes(list []rules.RuleOutcome) []ruleOutcome {
	lines := make([]ruleOutcome, 0, len(list))
	for _, r := range list {
		line := ruleOutcome{Sentence: req.ruleSentence(r.Rule), Reason: r.Reason, Holds: r.Holds}
		if r.Err != nil {
			line.Trouble = userText(r.Err)
		}
		lines = append(lines, line)
	}
	return lines
}

// moment returns the attribute and the text of a <time> element.
func (req *request) moment(t time.Time) (stamp, words string) {
	return t.UTC().Format(time.RFC3339), visit.Ago(t, req.Now(), req.zone)
}

// capital makes the first letter upper case.
func capital(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToUpper(string(r[0])) + string(r[1:])
}
