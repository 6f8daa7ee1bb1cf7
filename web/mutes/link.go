package mutes

import (
	"errors"
	"net/http"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web/visit"
)

// link.go is the pages of signed links in notices. Nobody signs in: the link is the right to mute for the owner of a
// destination, and to undo that on the page that answers, for an hour.

// gone is what whoever has an old link is told.
const gone = "This link is not complete, or it is too old. Open the settings to change what is sent to you."

// linkUser finds whose mutes a link may make.
func (o Options) linkUser(v *visit.Visit) (prefs.User, prefs.Destination, error) {
	id, err := o.Links.VerifyMute(v.Request.PathValue("token"))
	if errors.Is(err, links.ErrToken) {
		return prefs.User{}, prefs.Destination{}, visit.Fail(http.StatusGone, gone)
	}
	if err != nil {
		return prefs.User{}, prefs.Destination{}, err
	}
	to, _, err := o.Unsubscriber.Subject(v.Context(), links.Target{Destination: id})
	if err == nil && !to.Confirmed {
		err = prefs.ErrNotFound
	}
	if err != nil {
		return prefs.User{}, to, err
	}
	user, err := o.Accounts.User(v.Context(), to.UserID)
	if err == nil && user.Disabled != "" {
		err = prefs.ErrNotFound
	}
	return user, to, err
}

// linkForm is the form of a link, with the choices that a notice gives which went to its destination.
func (o Options) linkForm(v *visit.Visit, to prefs.Destination, message string) (formView, error) {
	here := "/mute/" + v.Request.PathValue("token")
	form := formView{Action: here, Post: here, Spans: spans, For: "week", Errors: true, Message: message}
	if message == "" {
		return form, nil
	}
	sent, err := o.Outbox.OfMessage(v.Context(), message, []string{prefs.Key(to.ID)})
	if err != nil || len(sent) == 0 {
		return form, err
	}
	filters, err := o.filtersOf(v, to.UserID, sent[0])
	if err != nil {
		return form, err
	}
	form.Choices = o.choicesOf(mute.OfNotice(&sent[0].Notice), filters)
	return form, nil
}

// filtersOf returns the filters that a notice was sent for, as they are now.
func (o Options) filtersOf(v *visit.Visit, user uint, e outbox.Entry) (list []prefs.Filter, err error) {
	for _, r := range e.Reasons {
		f, err := o.Filters.Get(v.Context(), user, rulespec.FilterID(r.Filter))
		if errors.Is(err, prefs.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// linkChoose shows what can be muted, or what that would silence: a program that opens links mutes nothing.
func (o Options) linkChoose(v *visit.Visit) (*visit.View, error) {
	user, to, err := o.linkUser(v)
	if err != nil {
		return nil, err
	}
	query := v.Request.URL.Query()
	form, err := o.linkForm(v, to, query.Get("message"))
	if err != nil {
		return nil, err
	}
	if len(form.Choices) == 0 {
		return nil, visit.Fail(http.StatusGone,
			"The notice is no longer kept, so nothing of it can be muted here. Open the settings to mute something.")
	}
	v.Zone = user.Location()
	if query.Get("of") != "" {
		if err := offered(form, query.Get("of")); err != nil {
			return nil, err
		}
		return o.confirm(v, user, form, query.Get)
	}
	form.Of = form.Choices[0].Of
	return &visit.View{Template: "mute", Title: "Mute", Data: form}, nil
}

// offered refuses what a link does not offer: it mutes what its notice is about, and nothing else.
func offered(form formView, of string) error {
	for _, c := range form.Choices {
		if c.Of == of {
			return nil
		}
	}
	return visit.Fail(http.StatusUnprocessableEntity, "This link mutes what its notice is about, and nothing else.")
}

// doneView is the page after a link has muted something, or undone that.
type doneView struct {
	Text   string
	Undo   string // where the button posts to; "": nothing can be undone
	Undone bool
}

func (o Options) linkMake(v *visit.Visit) (*visit.View, error) {
	user, to, err := o.linkUser(v)
	if err != nil {
		return nil, err
	}
	form, err := o.linkForm(v, to, v.Form("message"))
	if err != nil {
		return nil, err
	}
	if err := offered(form, v.Form("of")); err != nil {
		return nil, err
	}
	m, _, err := read(v.Form, v.Now)
	if err != nil {
		return nil, wrong(err)
	}
	ctx := accounts.WithActor(v.Context(), accounts.Actor{Kind: accounts.Link, Network: v.Network})
	r, waiting, err := o.Mutes.Make(ctx, user.ID, m, "mail")
	if err != nil {
		return nil, wrong(err)
	}
	page := doneView{Text: made(r, waiting, user.Location())}
	if r.Fresh {
		page.Undo = "/mute/" + o.Links.UndoMute(r.ID, to.ID) + "/undo"
	}
	return &visit.View{Template: "mute-done", Title: "Muted", Data: page, Changed: true}, nil
}

// linkUndo takes back what a link has muted, and nothing else.
func (o Options) linkUndo(v *visit.Visit) (*visit.View, error) {
	id, destination, err := o.Links.VerifyUndoMute(v.Request.PathValue("token"))
	if errors.Is(err, links.ErrToken) {
		return nil, visit.Fail(http.StatusGone, "A mute can be undone on its page for "+
			visit.Duration(links.UndoLife)+". Open the settings to end it.")
	}
	if err != nil {
		return nil, err
	}
	to, _, err := o.Unsubscriber.Subject(v.Context(), links.Target{Destination: destination})
	if err != nil {
		return nil, err
	}
	ctx := accounts.WithActor(v.Context(), accounts.Actor{Kind: accounts.Link, Network: v.Network})
	r, err := o.Mutes.Get(ctx, to.UserID, id)
	if err != nil {
		return nil, err
	}
	if err := o.Mutes.Undo(ctx, to.UserID, id); err != nil {
		return nil, err
	}
	page := doneView{Undone: true, Text: "No longer muted: " + text.OneLine(r.Of()) + "."}
	return &visit.View{Template: "mute-done", Title: "No longer muted", Data: page, Changed: true}, nil
}
