package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/visit"
)

// FeedAddress returns the address of a user's destination on a backend that agents fetch from. All agents of the user
// read this feed. It stays the same when the account is renamed.
func FeedAddress(userID uint) string { return "user-" + strconv.FormatUint(uint64(userID), 10) }

// destinationsView is the page of all destinations.
type destinationsView struct {
	layout
	Destinations []destinationView
	Offers       []offerView
	Kinds        []backendForm
}

// offerView is an address that the directory says is the visitor's, with the form that adds it.
type offerView struct {
	Backend, Title, Address string
	Sure                    bool // no code is needed
}

// offers are what the directory says of the visitor, for the visitor alone.
func (req *request) offers() ([]offerView, error) {
	offers, err := req.Destinations.Offers(req.r.Context(), req.user.ID)
	var views []offerView
	for _, o := range offers {
		if b := req.backend(o.Backend); b.Name != "" {
			views = append(views, offerView{b.Name, b.Title, o.Address, o.Sure})
		}
	}
	return views, err
}

// backendForm is the form that adds a destination of one backend.
type backendForm struct {
	Name, Title, Doc, AddressTitle string
	Token                          bool
	Address, Problem               string
}

func listDestinations(req *request) error { return req.showDestinations(http.StatusOK, "", "", "") }

// showDestinations shows the page; backend, address and problem belong to a refused form.
func (req *request) showDestinations(status int, backend, address, problem string) error {
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return err
	}
	p := destinationsView{layout: req.layout("Destinations", "destinations")}
	for _, d := range ds {
		p.Destinations = append(p.Destinations, req.destinationView(d))
	}
	if p.Offers, err = req.offers(); err != nil {
		return err
	}
	for _, b := range req.Backends {
		f := backendForm{Name: b.Name, Title: b.Title, Doc: b.Doc, AddressTitle: b.AddressTitle, Token: b.Agent != ""}
		if b.Name == backend {
			f.Address, f.Problem = address, problem
		}
		p.Kinds = append(p.Kinds, f)
	}
	return req.show(status, "destinations", p)
}

// addDestination stores an address and sends it a code to confirm it.
func addDestination(req *request) error {
	backend, typed := req.form("backend"), req.form("address")
	if req.backend(backend).Agent != "" {
		return req.addFeed(backend, typed)
	}
	address, err := req.checkAddress(backend, typed)
	if err != nil {
		return req.showDestinations(http.StatusUnprocessableEntity, backend, typed, capital(err.Error())+".")
	}
	if req.form("vouched") != "" {
		switch done, err := req.addVouched(backend, address); {
		case err != nil:
			return err
		case done != 0:
			return req.redirect(destinationPage(done))
		}
	}
	d, err := req.Destinations.Add(req.r.Context(), req.user.ID, backend, address)
	if err != nil {
		return req.explain(err)
	}
	req.Changed()
	if d.Confirmed {
		req.flash("", "You have this destination already.")
	} else if err := req.sendCode(d); err != nil {
		return err
	}
	return req.redirect(destinationPage(d.ID))
}

// addVouched adds an address that the directory says is the visitor's, and returns its number: 0 where the directory's
// word is not enough, so that a code is needed.
func (req *request) addVouched(backend, address string) (uint, error) {
	if !req.allowed(req.limits.codes) { // each is told to the other addresses
		return 0, fail(http.StatusTooManyRequests, "Too many addresses were added. Wait a few minutes, then try again.")
	}
	d, err := req.Destinations.AddVouched(req.r.Context(), req.user.ID, backend, address)
	switch {
	case errors.Is(err, prefs.ErrNotFound):
		return 0, nil
	case errors.Is(err, prefs.ErrClaimed):
		return 0, fail(http.StatusConflict, claimedElsewhere)
	case err != nil:
		return 0, req.explain(err)
	}
	req.Changed()
	req.flash("good", d.Address+" is added. The directory says that it is yours, so notices can reach you there now.")
	return d.ID, nil
}

// claimedElsewhere says that an address is another account's.
const claimedElsewhere = "Another account has confirmed this address. Remove it there first."

func destinationPage(id uint) string { return "/destinations/" + strconv.FormatUint(uint64(id), 10) }

// sendCode sends a code to a destination; when a limit is reached, the next page says so.
func (req *request) sendCode(d prefs.Destination) error {
	ticket, err := req.Destinations.AskCode(req.r.Context(), req.user.ID, d.ID)
	switch {
	case err != nil:
		return err
	case ticket.TooOften:
		req.flash("warn", "So many codes were asked for that no more is sent for now. The code that was sent to you last is "+
			"good for another "+visit.Duration(accounts.Life(accounts.MailConfirm))+"; or try again tomorrow.")
		return nil
	case ticket.Ref == "":
		req.flash("good", "A code was sent to "+d.Address+" a moment ago. In a minute you can ask for another one.")
		return nil
	}
	n := backends.Notice{Title: "Your code to confirm this address"}
	if req.backend(d.Backend).SignIn {
		n.Text = req.asker() + " wants notices sent here. If that is you, open the link in the browser where you are " +
			"signed in and press the button, or type the code there: " + backends.SecretMark +
			"\n\nNotices go here then, and no more: this address cannot be used to sign in." +
			"\n\nIf it is not you, ignore this: nothing more is sent."
		n.Link = req.url(destinationPage(d.ID)) + "?code=" + backends.SecretMark
	} else {
		n.Text = req.asker() + " wants notices sent here. If that is you, type the code on the page where you added this " +
			"destination: " + backends.SecretMark + "\nIf it is not you, ignore this: nothing more is sent."
		if word := req.backend(d.Backend).StopWord; word != "" {
			n.Text += " To end what is sent here, say: " + word
		}
	}
	if err := req.Queue(req.r.Context(), req.secretMail(d.Backend, ticket, n)); err != nil {
		return err
	}
	req.flash("good", "A code is on its way to "+d.Address+".")
	return nil
}

// asker says which account asks for something, and where: "The account bob at notify.example.org".
func (req *request) asker() string {
	who := "An account"
	if req.user.Name != "" {
		who = "The account " + req.user.Name
	}
	base, err := url.Parse(req.BaseURL)
	if err != nil {
		return who
	}
	return who + " at " + base.Host + strings.TrimSuffix(base.Path, "/")
}

// ownDestination returns the user's destination that the path names.
func (req *request) ownDestination() (prefs.Destination, error) {
	id, err := req.id()
	if err != nil {
		return prefs.Destination{}, err
	}
	return req.Destinations.Get(req.r.Context(), req.user.ID, id)
}

func resendCode(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	if d.Confirmed {
		return req.redirect(destinationPage(d.ID))
	}
	if err := req.sendCode(d); err != nil {
		return err
	}
	return req.redirect(destinationPage(d.ID))
}

func enterCode(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	if !req.allowed(req.limits.codes) {
		return fail(http.StatusTooManyRequests, "Too many codes were tried. Wait a few minutes, then try again.")
	}
	err = req.Destinations.Confirm(req.r.Context(), req.user.ID, d.ID, req.form("code"))
	switch {
	case errors.Is(err, prefs.ErrCode):
		return req.showOneDestination(http.StatusUnprocessableEntity, d, func(p *destinationPageView) {
			p.Code, p.CodeProblem = req.form("code"),
				"This code is wrong, used or too old. After five wrong ones a new code is needed."
		})
	case errors.Is(err, prefs.ErrClaimed):
		return fail(http.StatusConflict, claimedElsewhere)
	case err != nil:
		return err
	}
	req.Changed()
	req.flash("good", d.Address+" is confirmed. Notices can reach you there now.")
	return req.redirect(destinationPage(d.ID))
}

func switchDestination(on bool) handler {
	return func(req *request) error {
		d, err := req.ownDestination()
		if err != nil {
			return err
		}
		if !on && d.LetsIn() && !req.NoMailedLinks && !req.login.IsFresh(req.Now()) { // it takes a way in
			return req.askFresh()
		}
		err = req.Destinations.SetOn(req.r.Context(), req.user.ID, d.ID, on)
		if errors.Is(err, prefs.ErrLastWay) {
			return req.showOneDestination(http.StatusConflict, d, func(p *destinationPageView) { p.In.Only = true })
		}
		if err != nil {
			return err
		}
		req.Changed()
		if !on && d.LetsIn() && !req.NoMailedLinks {
			req.flash("", d.Address+" is off. It no longer lets you in; sessions that were begun by it have ended.")
		}
		return req.redirect(destinationPage(d.ID))
	}
}

// sendTest sends a notice at once, without regard to the schedule.
func sendTest(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	if !d.Confirmed {
		return fail(http.StatusConflict, "Nothing is sent to an address before it is confirmed.")
	}
	if !req.allowed(req.limits.tests) {
		return fail(http.StatusTooManyRequests, "Enough tests for now. Wait a few minutes, then try again.")
	}
	n := backends.Notice{Title: "A test from notifyd", Text: "You asked for this test. Notices for " + req.user.Name +
		" reach you here.", Link: req.url("/")}
	n.ID = "test-" + strconv.FormatUint(uint64(d.ID), 36) + "-" + strconv.FormatInt(req.Now().UnixNano(), 36)
	test := req.accountMail(d.Backend, d.Address, n)
	test.Destination, test.Hold = prefs.Key(d.ID), outbox.Asked // not even quiet hours hold what was asked for
	if err := req.Queue(req.r.Context(), test); err != nil {
		return err
	}
	req.flash("good", "A test notice is on its way to "+req.destinationView(d).Address+".")
	return req.redirect(destinationPage(d.ID))
}
