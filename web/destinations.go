package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/prefs"
)

// FeedAddress gives the address of a user's destination on a backend that agents fetch from: the feed that each of the
// user's agents reads. It stays the same when the account is renamed.
func FeedAddress(userID uint) string { return "user-" + strconv.FormatUint(uint64(userID), 10) }

// destinationsView is the page with all destinations.
type destinationsView struct {
	frame
	Destinations []destinationCard
	Kinds        []backendForm
}

// backendForm is the form that adds a destination of one backend.
type backendForm struct {
	Name, Title, Doc, AddressTitle string
	Token                          bool
	Address, Problem               string
}

func listDestinations(v *visit) error { return v.showDestinations(http.StatusOK, "", "", "") }

// showDestinations shows the page; backend, address and problem are of a form that was refused.
func (v *visit) showDestinations(status int, backend, address, problem string) error {
	ds, err := v.Destinations.List(v.r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	p := destinationsView{frame: v.frame("Destinations", "destinations")}
	for _, d := range ds {
		p.Destinations = append(p.Destinations, v.destinationCard(d))
	}
	for _, b := range v.Backends {
		f := backendForm{Name: b.Name, Title: b.Title, Doc: b.Doc, AddressTitle: b.AddressTitle, Token: b.Agent != ""}
		if b.Name == backend {
			f.Address, f.Problem = address, problem
		}
		p.Kinds = append(p.Kinds, f)
	}
	return v.show(status, "destinations", p)
}

// addDestination stores an address and sends the code that confirms it there.
func addDestination(v *visit) error {
	backend, typed := v.form("backend"), v.form("address")
	if v.backend(backend).Agent != "" {
		return v.addFeed(backend, typed)
	}
	address, err := v.checkAddress(backend, typed)
	if err != nil {
		return v.showDestinations(http.StatusUnprocessableEntity, backend, typed, capital(err.Error())+".")
	}
	d, err := v.Destinations.Add(v.r.Context(), v.user.ID, backend, address)
	if err != nil {
		return v.explain(err)
	}
	v.Changed()
	if d.Confirmed {
		v.say("", "You have this destination already.")
	} else if err := v.sendCode(d); err != nil {
		return err
	}
	return v.redirect(destinationPage(d.ID))
}

func destinationPage(id uint) string { return "/destinations/" + strconv.FormatUint(uint64(id), 10) }

// sendCode sends a new code to a destination; a limit that is reached is said on the next page.
func (v *visit) sendCode(d prefs.Destination) error {
	code, err := v.Destinations.NewCode(v.r.Context(), v.user.ID, d.ID)
	if errors.Is(err, prefs.ErrTooOften) {
		v.say("warn", "So many codes were asked for that no more is sent for now. Use the last one, or try again tomorrow.")
		return nil
	}
	if err != nil {
		return err
	}
	n := backends.Notice{Title: "Confirm this address: " + code}
	if v.backend(d.Backend).SignIn {
		n.Text = "The account " + v.user.Name + " wants notices sent here. If that is you, open the link in the browser where you are " +
			"signed in and press the button, or type the code there: " + code + "\n\nIf it is not you, ignore this: nothing more is sent."
		n.Link = v.url(destinationPage(d.ID)) + "?code=" + code
	} else {
		n.Text = "Your code is " + code + ". Type it on the page where you added this destination. If you did not ask for it, ignore this."
	}
	if err := v.Queue(v.r.Context(), v.accountMail(d.Backend, d.Address, n, code+strconv.FormatUint(uint64(d.ID), 10))); err != nil {
		return err
	}
	v.say("good", "A code is on its way to "+d.Address+".")
	return nil
}

// ownDestination gives the destination that the path names, which must be the visitor's.
func (v *visit) ownDestination() (prefs.Destination, error) {
	id, err := v.id()
	if err != nil {
		return prefs.Destination{}, err
	}
	return v.Destinations.Get(v.r.Context(), v.user.ID, id)
}

func resendCode(v *visit) error {
	d, err := v.ownDestination()
	if err != nil {
		return err
	}
	if d.Confirmed {
		return v.redirect(destinationPage(d.ID))
	}
	if err := v.sendCode(d); err != nil {
		return err
	}
	return v.redirect(destinationPage(d.ID))
}

func enterCode(v *visit) error {
	d, err := v.ownDestination()
	if err != nil {
		return err
	}
	if !v.limits.codes.allow("user " + strconv.FormatUint(uint64(v.user.ID), 10)) {
		return fail(http.StatusTooManyRequests, "Too many codes were tried. Wait a few minutes, then try again.")
	}
	err = v.Destinations.Confirm(v.r.Context(), v.user.ID, d.ID, v.form("code"))
	switch {
	case errors.Is(err, prefs.ErrCode):
		return v.showOneDestination(http.StatusUnprocessableEntity, d, func(p *destinationView) {
			p.Code, p.CodeProblem = v.form("code"), "This code is wrong, used or too old. After five wrong ones a new code is needed."
		})
	case errors.Is(err, prefs.ErrClaimed):
		return fail(http.StatusConflict, "Another account has confirmed this address. Remove it there first.")
	case err != nil:
		return err
	}
	v.Changed()
	v.say("good", d.Address+" is confirmed. Notices can reach you there now.")
	return v.redirect(destinationPage(d.ID))
}

func switchDestination(on bool) handler {
	return func(v *visit) error {
		id, err := v.id()
		if err != nil {
			return err
		}
		if err := v.Destinations.SetOn(v.r.Context(), v.user.ID, id, on); err != nil {
			return err
		}
		v.Changed()
		return v.redirect(destinationPage(id))
	}
}

// sendTest sends a notice at once, whatever the schedule says.
func sendTest(v *visit) error {
	d, err := v.ownDestination()
	if err != nil {
		return err
	}
	if !d.Confirmed {
		return fail(http.StatusConflict, "Nothing is sent to an address before it is confirmed.")
	}
	if !v.limits.tests.allow("user " + strconv.FormatUint(uint64(v.user.ID), 10)) {
		return fail(http.StatusTooManyRequests, "Enough tests for now. Wait a few minutes, then try again.")
	}
	n := backends.Notice{Title: "A test from notifyd", Text: "You asked for this test. Notices for " + v.user.Name + " reach you here.", Link: v.url("/")}
	test := v.accountMail(d.Backend, d.Address, n, strconv.FormatInt(v.Now().UnixNano(), 36)+d.Address)
	test.Destination = prefs.Key(d.ID)
	if err := v.Queue(v.r.Context(), test); err != nil {
		return err
	}
	v.say("good", "A test notice is on its way to "+v.destinationCard(d).Address+".")
	return v.redirect(destinationPage(d.ID))
}

func askDeleteDestination(v *visit) error {
	d, err := v.ownDestination()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "delete", deleteView{
		frame: v.frame("Delete "+v.destinationCard(d).Address+"?", "destinations"), Action: destinationPage(d.ID) + "/delete",
		Back: destinationPage(d.ID), Button: "Delete the destination",
		Text: []string{"Nothing more is sent there. Filters that go only there are switched off."},
	})
}

func deleteDestination(v *visit) error {
	d, err := v.ownDestination()
	if err != nil {
		return err
	}
	if v.backend(d.Backend).Agent != "" {
		if err := v.revokeAll(); err != nil {
			return err
		}
	}
	if err := v.Destinations.Delete(v.r.Context(), v.user.ID, d.ID); err != nil {
		return err
	}
	v.Changed()
	v.say("", "Deleted "+v.destinationCard(d).Address+".")
	return v.redirect("/destinations")
}
