package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/web/visit"
	"github.com/notifyd/notifyd/web/when"
)

// destinationPageView is the page of one destination.
type destinationPageView struct {
	layout
	Page        string
	Destination destinationView
	Held        string // why what is owed to it waits; "": nothing does, or it is not due yet
	NeedsCode   bool
	CodeText    string
	Code        string
	CodeProblem string
	Schedule    when.Form
	Quiet       string // quiet hours
	QuietWrong  string
	Options     []optionField
	In          wayInView

	Agent  string // the command that fetches notices; "" where the backend sends them
	Tokens []tokenLine
	Token  string // a new token; the page shows it this once
	Server string
}

// wayInView says whether an address lets its owner in, and is the form that changes it.
type wayInView struct {
	Possible bool   // it is confirmed, and of the backend that mails links
	May      bool   // it lets its owner in
	Only     bool   // and nothing else does
	Asked    bool   // a code is on its way there
	Problem  string // with the code
}

// tokenLine is a token of a desktop agent.
type tokenLine struct {
	ID                  uint
	Name, Created, Used string
}

func showDestination(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	return req.showOneDestination(http.StatusOK, d, func(p *destinationPageView) {
		p.Code = text.ElideBytes(text.OneLine(req.r.URL.Query().Get("code")), 32)
	})
}

func (req *request) showOneDestination(status int, d prefs.Destination, mark func(*destinationPageView)) error {
	view := req.destinationView(d)
	p := destinationPageView{
		layout: req.layout(view.Address, "destinations"), Page: destinationPage(d.ID), Destination: view,
		In: wayInView{Possible: d.Confirmed && d.Disabled == "" && req.mayLetIn(d), May: d.LetsIn(),
			Asked: req.r.URL.Query().Get("signin") == "code"},
		NeedsCode: !d.Confirmed, Options: req.optionFields(d),
		Schedule: when.NewForm(d.Schedule), Quiet: d.Quiet.String(),
		Agent: req.backend(d.Backend).Agent, Server: req.url(""),
	}
	p.CodeText = "We sent a code to " + d.Address + ". Type it here to show that it reaches you."
	if req.backend(d.Backend).SignIn {
		p.CodeText = "We sent a mail to " + d.Address + ". Open its link here, or type the code that stands in it."
	}
	if p.Agent != "" {
		tokens, err := req.Tokens.List(req.r.Context(), req.user.ID)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			line := tokenLine{ID: t.ID, Name: t.Name, Created: visit.Ago(t.Created, req.Now(), req.zone), Used: "never used"}
			if !t.Used.IsZero() {
				line.Used = "last used " + visit.Ago(t.Used, req.Now(), req.zone)
			}
			p.Tokens = append(p.Tokens, line)
		}
	}
	var err error
	if p.Held, err = req.held(d); err != nil {
		return err
	}
	mark(&p)
	p.Schedule.Zone = p.Zone
	return req.show(status, "destination", p)
}

// held says why notices wait that have been tried, or the code that confirms the destination.
func (req *request) held(d prefs.Destination) (string, error) {
	queue := prefs.Key(d.ID)
	if !d.Confirmed {
		queue = accountQueue(d.Backend, d.Address)
	}
	waiting, err := req.Outbox.Find(req.r.Context(), outbox.Query{Destinations: []string{queue}, State: outbox.Waiting,
		Limit: 20})
	for _, e := range waiting {
		if _, why, found := strings.Cut(e.LastError, ": "); found { // behind the name of the backend
			return why + ".", err
		}
	}
	return "", err
}

func saveSchedule(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	s, form, ok := when.ReadForm(req.r.PostForm, d.Schedule)
	typed, wrong := req.form("quiet"), ""
	quiet, err := schedule.ParseQuiet(typed)
	if ok && err == nil {
		err = req.when().Set(req.r.Context(), req.user.ID, d.ID, s, quiet)
	}
	if wrong = when.Mistake(err); wrong != "" || !ok {
		return req.showOneDestination(http.StatusUnprocessableEntity, d, func(p *destinationPageView) {
			p.Schedule, p.Quiet, p.QuietWrong = form, typed, wrong
		})
	}
	if err != nil {
		return req.explain(err)
	}
	req.Changed()
	waiting := " What waits already keeps its time."
	if !s.Digest() {
		waiting = " What was waiting goes out now."
	}
	req.flash("good", "Saved. "+when.Words(s)+waiting)
	return req.redirect(destinationPage(d.ID))
}

// when is what the pages of quiet hours and schedules work on.
func (req *request) when() when.Options {
	return when.Options{Accounts: req.Accounts, Destinations: req.Destinations, Filters: req.Filters, Outbox: req.Outbox}
}

// pauseDestination stops the notices to a destination, which still lets its owner in where it does.
func pauseDestination(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	if err := req.Destinations.Pause(req.r.Context(), req.user.ID, d.ID); err != nil {
		return err
	}
	req.Changed()
	req.flash("", "No notices are sent to "+d.Address+" for now. It still lets you in.")
	return req.redirect(destinationPage(d.ID))
}

// mayLetIn reports whether an address of that kind can let its owner in.
func (req *request) mayLetIn(d prefs.Destination) bool {
	return req.backend(d.Backend).SignIn && !req.NoMailedLinks
}

// askLetIn mails a code to an address that is to let its owner in.
func askLetIn(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	if !req.mayLetIn(d) {
		return prefs.ErrNotFound
	}
	ticket, err := req.Destinations.AskLetIn(req.r.Context(), req.user.ID, d.ID)
	if errors.Is(err, prefs.ErrNoWayIn) {
		return fail(http.StatusConflict, "An address lets you in when it is confirmed and its server takes mail.")
	}
	if err != nil {
		return err
	}
	if ticket.TooOften {
		return fail(http.StatusTooManyRequests, "Too many codes were asked for. The last one still works.")
	}
	if ticket.Ref != "" {
		n := backends.Notice{Title: "Your code to sign in by this address", Text: "The account " + req.user.Name +
			" wants this address to sign it in: whoever reads mail here can then do everything in that account. " +
			"Never do that with a mailing list. If it is you, type this code on the page of the address: " +
			backends.SecretMark + "\n\nIf it is not you, ignore this: nothing changes without the code."}
		if err := req.Queue(req.r.Context(), req.secretMail(d.Backend, ticket, n)); err != nil {
			return err
		}
	}
	return req.redirect(destinationPage(d.ID) + "?signin=code")
}

func letIn(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	if !req.mayLetIn(d) {
		return prefs.ErrNotFound
	}
	if !req.allowed(req.limits.codes) {
		return fail(http.StatusTooManyRequests, "Too many codes were tried. Wait a few minutes, then try again.")
	}
	err = req.Destinations.LetIn(req.r.Context(), req.user.ID, d.ID, req.form("code"))
	switch {
	case errors.Is(err, prefs.ErrCode):
		return req.showOneDestination(http.StatusUnprocessableEntity, d, func(p *destinationPageView) {
			p.In.Asked = true
			p.In.Problem = "This code is wrong, used or too old. After five wrong ones a new code is needed."
		})
	case errors.Is(err, prefs.ErrNoWayIn):
		return fail(http.StatusConflict, "An address lets you in when it is confirmed and its server takes mail.")
	case err != nil:
		return err
	}
	req.flash("good", d.Address+" lets you in from now on: ask for a link with it on the first page.")
	return req.redirect(destinationPage(d.ID))
}

func keepOut(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	err = req.Destinations.KeepOut(req.r.Context(), req.user.ID, d.ID)
	if errors.Is(err, prefs.ErrLastWay) {
		return fail(http.StatusConflict, "Nothing but "+d.Address+" lets you in. Let another address sign in first.")
	}
	if err != nil {
		return err
	}
	req.flash("", d.Address+" no longer lets anybody in; sessions that were begun by it have ended.")
	return req.redirect(destinationPage(d.ID))
}

func askDeleteDestination(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	return req.show(http.StatusOK, "delete", deleteView{
		layout: req.layout("Delete "+req.destinationView(d).Address+"?", "destinations"), Action: destinationPage(d.ID) +
			"/delete",
		Back: destinationPage(d.ID), Button: "Delete the destination",
		Text: []string{"Nothing more is sent there. Filters that go only there are switched off.",
			"It no longer lets anybody in, and sessions that were begun by it end."},
	})
}

func deleteDestination(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	if req.backend(d.Backend).Agent != "" {
		if err := req.revokeAll(); err != nil {
			return err
		}
	}
	err = req.Destinations.Delete(req.r.Context(), req.user.ID, d.ID)
	if errors.Is(err, prefs.ErrLastWay) {
		return fail(http.StatusConflict, "Nothing but "+d.Address+" lets you in, so it stays. Let another address sign in "+
			"first, or delete the whole account in the settings.")
	}
	if err != nil {
		return err
	}
	req.Changed()
	req.flash("", "Deleted "+req.destinationView(d).Address+".")
	return req.redirect("/destinations")
}
