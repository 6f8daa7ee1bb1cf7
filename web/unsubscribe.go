package web

import (
	"errors"
	"net/http"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
)

// unsubscribeView is the page of a signed link in a notice. The link needs no session: it allows what it names to
// anyone who holds it, and nothing else. The addresses begin with /stop/, because mails that are out there have them.
type unsubscribeView struct {
	layout
	Action, Undo, Filter, Address, Sentence string // Undo is "" where nothing can be taken back
	Done, Undone                            bool
	DoneText                                string
}

// unsubscribeTarget finds what the link is about.
func (req *request) unsubscribeTarget() (links.Target, unsubscribeView, error) {
	a, err := req.Links.Verify(req.r.PathValue("token"))
	if errors.Is(err, links.ErrToken) {
		return a, unsubscribeView{}, fail(http.StatusGone,
			"This link is not complete, or it is too old. Open the settings to change what is sent to you.")
	}
	if err != nil {
		return a, unsubscribeView{}, err
	}
	return req.about(a)
}

// about fills the page of an action.
func (req *request) about(a links.Target) (links.Target, unsubscribeView, error) {
	p := unsubscribeView{layout: req.layout("Stop notices", ""), Action: "/stop/" + req.r.PathValue("token")}
	d, f, err := req.Unsubscriber.Subject(req.r.Context(), a)
	if errors.Is(err, prefs.ErrNotFound) {
		return a, p, fail(http.StatusGone,
			"The filter or the destination is gone already, so nothing of the kind is sent any more.")
	}
	if err != nil {
		return a, p, err
	}
	p.Address = req.destinationView(d).Address
	if a.Filter != 0 {
		p.Filter, p.Sentence = f.Name, capital(req.sentence(f.Filter))+"."
	}
	return a, p, nil
}

// askUnsubscribe shows what the link stops and asks for a click: a program that opens links stops nothing.
func askUnsubscribe(req *request) error {
	_, p, err := req.unsubscribeTarget()
	if err != nil {
		return err
	}
	return req.show(http.StatusOK, "unsubscribe", p)
}

// unsubscribe stops what the link names. It takes the page's own button and the one-click post of a mail program
// (RFC 8058, section 3.1), whose body is List-Unsubscribe=One-Click.
func unsubscribe(req *request) error {
	if req.form("stop") != "yes" && req.form("List-Unsubscribe") != "One-Click" {
		return fail(http.StatusBadRequest, "This request does not say what to do, so nothing was done.")
	}
	a, p, err := req.unsubscribeTarget()
	if err != nil {
		return err
	}
	did, err := req.Unsubscriber.Unsubscribe(req.r.Context(), a)
	if err != nil {
		return err
	}
	req.Changed()
	if token := req.Links.Undo(did); token != "" {
		p.Undo = "/stop/" + token + "/undo"
	}
	p.Done, p.Title = true, "Stopped"
	p.DoneText = "The filter " + p.Filter + " no longer sends to " + p.Address +
		". Your other filters stay as they are, so you may still hear of some of the same messages."
	if a.Filter == 0 {
		p.DoneText = "Nothing more is sent to " + p.Address + ". Your filters stay as they are."
	}
	return req.show(http.StatusOK, "unsubscribe", p)
}

// undoUnsubscribe takes an unsubscription back. Only the page that answered it can do that, for a limited time, and
// never the link in the mail: a mail that was passed on must not start what its owner has ended.
func undoUnsubscribe(req *request) error {
	did, err := req.Links.VerifyUndo(req.r.PathValue("token"))
	if errors.Is(err, links.ErrToken) {
		return fail(http.StatusGone, "A stop can be undone on its page for "+duration(links.UndoLife)+". Open the settings to change what is sent to you.")
	}
	if err != nil {
		return err
	}
	a, p, err := req.about(did.Target)
	if err != nil {
		return err
	}
	if err := req.Unsubscriber.Undo(req.r.Context(), did); err != nil {
		return err
	}
	req.Changed()
	p.Undone, p.Title = true, "It goes on"
	p.DoneText = "The filter " + p.Filter + " sends to " + p.Address + " again."
	if a.Filter == 0 {
		p.DoneText = "Notices are sent to " + p.Address + " again."
	}
	return req.show(http.StatusOK, "unsubscribe", p)
}
