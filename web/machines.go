package web

import (
	"net/http"
	"strconv"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
)

// machines.go is what a page of a destination does beside its schedule: machines that fetch notices by a token, and the
// looks of what is sent.

// addFeed makes a token for one more machine, and the destination of a backend that agents fetch from if the user has
// none yet. It needs no code: only the holder of a token can read the feed.
func (req *request) addFeed(backend, machine string) error {
	d, err := req.Destinations.Add(req.r.Context(), req.user.ID, backend, FeedAddress(req.user.ID))
	if err != nil {
		return req.explain(err)
	}
	if !d.Confirmed {
		code, err := req.Destinations.NewCode(req.r.Context(), req.user.ID, d.ID)
		if err != nil {
			return req.explain(err)
		}
		if err := req.Destinations.Confirm(req.r.Context(), req.user.ID, d.ID, code); err != nil {
			return req.explain(err)
		}
		d.Confirmed = true
		req.Changed()
	}
	return req.showNewToken(d, machine)
}

// addToken makes a token for one more machine.
func addToken(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	if req.backend(d.Backend).Agent == "" {
		return prefs.ErrNotFound
	}
	return req.showNewToken(d, req.form("address"))
}

// showNewToken answers the post itself, without a redirect: so the token is in no address and in no session.
func (req *request) showNewToken(d prefs.Destination, machine string) error {
	token, err := req.Tokens.New(req.r.Context(), req.user.ID, text.OneLine(machine))
	if err != nil {
		return req.explain(err)
	}
	return req.showOneDestination(http.StatusOK, d, func(p *destinationPageView) { p.Token = token })
}

func revokeToken(req *request) error {
	id, err := req.id()
	if err != nil {
		return err
	}
	token, err := strconv.ParseUint(req.r.PathValue("token"), 10, 32)
	if err != nil {
		return prefs.ErrNotFound
	}
	if err := req.Tokens.Revoke(req.r.Context(), req.user.ID, uint(token)); err != nil {
		return err
	}
	req.flash("", "Revoked. The machine that had the token gets nothing more.")
	return req.redirect(destinationPage(id))
}

// revokeAll revokes every token, when the desktop destination is deleted.
func (req *request) revokeAll() error {
	tokens, err := req.Tokens.List(req.r.Context(), req.user.ID)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if err := req.Tokens.Revoke(req.r.Context(), req.user.ID, t.ID); err != nil {
			return err
		}
	}
	return nil
}

// optionField is an option of a destination in the form about the looks of what is sent.
type optionField struct {
	Name, Title string
	Choices     []choice
}

// optionFields returns the options that the backend of a destination has, with what its owner has chosen.
func (req *request) optionFields(d prefs.Destination) []optionField {
	var fields []optionField
	for _, o := range req.backend(d.Backend).Options {
		field := optionField{Name: o.Name, Title: o.Title}
		for i, c := range o.Choices {
			chosen := d.Options[o.Name] == c.Value || i == 0 && d.Options[o.Name] == ""
			field.Choices = append(field.Choices, choice{Value: c.Value, Title: c.Title, Chosen: chosen})
		}
		fields = append(fields, field)
	}
	return fields
}

func saveOptions(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	info := req.backend(d.Backend)
	posted := map[string]string{}
	for _, o := range info.Options {
		if value := req.form(o.Name); value != "" {
			posted[o.Name] = value
		}
	}
	chosen, err := info.CheckOptions(posted)
	if err != nil {
		return fail(http.StatusUnprocessableEntity, capital(err.Error())+".")
	}
	if err := req.Destinations.SetOptions(req.r.Context(), req.user.ID, d.ID, chosen); err != nil {
		return err
	}
	req.Changed()
	req.flash("good", "Saved. What is sent from now on looks so.")
	return req.redirect(destinationPage(d.ID))
}
