package web

import (
	"errors"
	"net/http"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// stopView is the page of a signed link. Whoever has the link may see and do what it names, and nothing else.
type stopView struct {
	frame
	Action, Filter, Address, Sentence string
	Done, Undone                      bool
	DoneText                          string
}

// stopTarget finds what the link is about.
func (v *visit) stopTarget() (prefs.Action, stopView, error) {
	token := v.r.PathValue("token")
	p := stopView{frame: v.frame("Stop notices", ""), Action: "/stop/" + token}
	a, err := v.Links.Verify(token)
	if errors.Is(err, prefs.ErrCode) {
		return a, p, fail(http.StatusGone, "This link is not complete, or it is too old. Open the settings to change what is sent to you.")
	}
	if err != nil {
		return a, p, err
	}
	d, f, err := v.Prefs.Target(v.r.Context(), a)
	if errors.Is(err, prefs.ErrNotFound) {
		return a, p, fail(http.StatusGone, "The filter or the destination is gone already, so nothing of the kind is sent any more.")
	}
	if err != nil {
		return a, p, err
	}
	p.Address = v.destinationCard(d).Address
	if a.Filter != 0 {
		p.Filter, p.Sentence = f.Name, capital(rulespec.Sentence(f.Filter))+"."
	}
	return a, p, nil
}

// askStop shows what the link stops and asks: a program that opens links stops nothing.
func askStop(v *visit) error {
	_, p, err := v.stopTarget()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "stop", p)
}

// stop acts. It takes the page's own button and the one-click post of a mail program (RFC 8058, section 3.1), whose
// body is List-Unsubscribe=One-Click.
func stop(v *visit) error {
	if v.form("stop") != "yes" && v.form("List-Unsubscribe") != "One-Click" {
		return fail(http.StatusBadRequest, "This request does not say what to do, so nothing was done.")
	}
	a, p, err := v.stopTarget()
	if err != nil {
		return err
	}
	if err := v.Prefs.Stop(v.r.Context(), a); err != nil {
		return err
	}
	v.Changed()
	p.Done, p.Title = true, "Stopped"
	p.DoneText = "The filter " + p.Filter + " no longer sends to " + p.Address + ". Your other filters stay as they are, so you may still hear of some of the same messages."
	if a.Filter == 0 {
		p.DoneText = "Nothing more is sent to " + p.Address + ". Your filters stay as they are."
	}
	return v.show(http.StatusOK, "stop", p)
}

func undoStop(v *visit) error {
	a, p, err := v.stopTarget()
	if err != nil {
		return err
	}
	if err := v.Prefs.Unstop(v.r.Context(), a); err != nil {
		return err
	}
	v.Changed()
	p.Undone, p.Title = true, "It goes on"
	p.DoneText = "The filter " + p.Filter + " sends to " + p.Address + " again."
	if a.Filter == 0 {
		p.DoneText = "Notices are sent to " + p.Address + " again."
	}
	return v.show(http.StatusOK, "stop", p)
}
