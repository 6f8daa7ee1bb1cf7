package web

import (
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/web/visit"
)

// unsubscribeView is the page of a signed link in a notice. The link needs no session: it allows what it names to
// anyone who holds it, and nothing else. The addresses begin with /stop/, because mails that are out there have them.
type unsubscribeView struct {
	layout
	Action, Undo, Filter, Address, Sentence string // Undo is "" where nothing can be taken back
	Done, Undone                            bool
	Ask                                     bool // to take back what a link has stopped
	DoneText                                string
	Mute                                    string // the page that mutes what the notice is about; "": it is not known
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
	a, p, err := req.unsubscribeTarget()
	if err != nil {
		return err
	}
	if message := req.r.URL.Query().Get("message"); message != "" {
		p.Mute = "/mute/" + req.Links.MuteToken(a.Destination) + "?message=" + url.QueryEscape(message)
	}
	return req.show(http.StatusOK, "unsubscribe", p)
}

// unsubscribe stops what the link names. It takes the page's own button and the one-click post of a mail program
// (RFC 8058, section 3.1), whose body is List-Unsubscribe=One-Click, as a form of either kind.
func unsubscribe(req *request) error {
	if err := req.parseMultipart(); err != nil {
		return err
	}
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
		if err := req.tellStopped(did, p.Address); err != nil {
			return err
		}
	}
	return req.show(http.StatusOK, "unsubscribe", p)
}

// parseMultipart reads a form of the kind multipart/form-data, within the limit of the route. Forms of the other kind
// are read for all routes.
func (req *request) parseMultipart() error {
	kind, _, err := mime.ParseMediaType(req.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil
	}
	err = req.r.ParseMultipartForm(unsubscribeLimit)
	var tooBig *http.MaxBytesError
	if err != nil && !errors.As(err, &tooBig) {
		return fail(http.StatusBadRequest, "The form could not be read.")
	}
	return err
}

// tellStopped tells the owner of a destination, once, that a link has switched it off, unless the owner did it.
func (req *request) tellStopped(did links.Change, address string) error {
	d, _, err := req.Unsubscriber.Subject(req.r.Context(), did.Target)
	if err != nil || !did.SwitchedOff || d.UserID == req.user.ID {
		return err
	}
	req.Log.Info("a link has stopped all notices to a destination", slog.Uint64("destination", uint64(d.ID)),
		slog.String("network", req.client(req.r)))
	backend := req.signInBackend().Name
	tickets, err := req.Unsubscriber.TellStopped(req.r.Context(), d.ID, backend)
	if err != nil {
		return err
	}
	for _, ticket := range tickets {
		mail := req.secretMail(backend, ticket, backends.Notice{
			Title: "All notices to " + address + " were stopped",
			Text: "Somebody has opened the link that stops everything, in one of the notices to " + address +
				", and pressed its button: you, or who got the notice from you. Nothing more is sent there.\n\nIf you did not " +
				"want that, open the link below and press the button: then notices are sent there again. It works for " +
				visit.Duration(accounts.Life(accounts.MailStopped)) + ".",
			Link: req.url("/stop/" + backends.SecretMark + "/undo"),
		})
		if err := req.Queue(req.r.Context(), mail); err != nil {
			return err
		}
	}
	return nil
}

// undoTarget finds what can be taken back: by the token on the page that answered the stop, or by the link in the mail
// that told of it; then secret is the link's. It is never the link in a notice: a mail that was passed on must not
// start what its owner has ended.
func (req *request) undoTarget() (did links.Change, secret string, err error) {
	token := req.r.PathValue("token")
	if did, err = req.Links.VerifyUndo(token); errors.Is(err, links.ErrToken) {
		secret = token
		did, err = req.Unsubscriber.Stopped(req.r.Context(), token)
	}
	if errors.Is(err, links.ErrToken) {
		err = fail(http.StatusGone, "A stop can be undone on its page for "+visit.Duration(links.UndoLife)+
			". Open the settings to change what is sent to you.")
	}
	return did, secret, err
}

// askUndo is the page of the link in a mail that told of a stop.
func askUndo(req *request) error {
	did, _, err := req.undoTarget()
	if err != nil {
		return err
	}
	_, p, err := req.about(did.Target)
	if err != nil {
		return err
	}
	p.Action, p.Ask, p.Title = "/stop/"+req.r.PathValue("token")+"/undo", true, "Send notices again"
	return req.show(http.StatusOK, "unsubscribe", p)
}

// undoUnsubscribe takes an unsubscription back.
func undoUnsubscribe(req *request) error {
	did, secret, err := req.undoTarget()
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
	if secret != "" {
		if err := req.Unsubscriber.Used(req.r.Context(), secret); err != nil && !errors.Is(err, prefs.ErrCode) {
			return err
		}
	}
	req.Changed()
	p.Undone, p.Title = true, "It goes on"
	p.DoneText = "The filter " + p.Filter + " sends to " + p.Address + " again."
	if a.Filter == 0 {
		p.DoneText = "Notices are sent to " + p.Address + " again."
	}
	return req.show(http.StatusOK, "unsubscribe", p)
}
