package web

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// filtersView is the page of all filters.
type filtersView struct {
	layout
	Filters  []filterView
	Warnings []warning
	Presets  []presetView
}

// warning is a set-up that delivers nothing, and the page where the user can mend it.
type warning struct{ Text, Page, Link string }

func listFilters(req *request) error {
	views, ds, err := req.filterViews("filters")
	if err != nil {
		return err
	}
	p := filtersView{layout: req.layout("Filters", "filters"), Filters: views,
		Warnings: append(warnings(ds), nameless(views)...)}
	for _, preset := range presets {
		p.Presets = append(p.Presets, presetView{preset.key, preset.name, preset.sentence()})
	}
	return req.show(200, "filters", p)
}

// filterViews reads the user's filters and destinations.
func (req *request) filterViews(from string) ([]filterView, []prefs.Destination, error) {
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return nil, nil, err
	}
	filters, err := req.Filters.List(req.r.Context(), req.user.ID)
	if err != nil {
		return nil, nil, err
	}
	views := make([]filterView, 0, len(filters))
	for _, f := range filters {
		views = append(views, req.filterView(f, ds, from))
	}
	return views, ds, nil
}

// warnings lists the set-ups that deliver nothing.
func warnings(ds []prefs.Destination) []warning {
	live := false
	for _, d := range ds {
		live = live || d.Confirmed && d.On && d.Disabled == ""
	}
	switch {
	case live:
		return nil
	case len(ds) == 0:
		return []warning{{"Nothing can reach you: you have no destination.", "/destinations", "Add one"}}
	}
	return []warning{{"Nothing can reach you: all your destinations are off, stopped or not confirmed.", "/destinations",
		"See them"}}
}

// nameless warns of filters that match nothing because the visitor's name is not proved.
func nameless(views []filterView) []warning {
	n := 0
	for _, v := range views {
		if v.Nameless && v.On {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []warning{{text.Plural(n, "filter says", "filters say") + " @me, which stands for you, but your name on the " +
		"bus is not proved. Until it is, " + verb(n, "it matches", "they match") + " nothing.", "/settings", "How to get it proved"}}
}

// newFilter shows an empty form, or one filled in from an example or from a message.
func newFilter(req *request) error {
	d := newDraft(prefs.Filter{On: true})
	query := req.r.URL.Query()
	switch {
	case query.Has("preset"):
		f, ok := presetOf(query.Get("preset"))
		if !ok {
			return prefs.ErrNotFound
		}
		d = newDraft(f)
	case query.Has("object"):
		d = newDraft(prefs.Filter{On: true, Filter: rulespec.Filter{Rules: []rulespec.Rule{{
			Kind: "object", Args: rulespec.Args{"key": {text.OneLine(query.Get("object"))}},
		}}}})
	case query.Has("message"):
		r, err := req.messageRecord(query.Get("message"))
		if err != nil {
			return err
		}
		e, err := req.event(r)
		if err != nil {
			return err
		}
		d = newDraft(filterLike(e))
	}
	d.filter.Owner = req.me()
	return req.showEditor(d, "", false)
}

func editFilter(req *request) error {
	f, err := req.ownFilter()
	if err != nil {
		return err
	}
	return req.showEditor(newDraft(f), "", f.Broken != "")
}

// ownFilter returns the user's filter that the path names.
func (req *request) ownFilter() (prefs.Filter, error) {
	id, err := req.id()
	if err != nil {
		return prefs.Filter{}, err
	}
	return req.Filters.Get(req.r.Context(), req.user.ID, rulespec.FilterID(id))
}

// previewFilter shows what the posted form would match, saved or not.
func previewFilter(req *request) error {
	d := req.readDraft(req.r.PostForm)
	d.filter.Owner = req.me()
	if !req.htmx() {
		return req.showEditor(d, "", true)
	}
	if d.asText {
		if problem := req.fromText(&d); problem != "" {
			return req.partial("filter", "preview", previewView{Problem: "No preview: " + problem})
		}
	}
	p, err := req.preview(req.r.Context(), d)
	if err != nil {
		return err
	}
	return req.partial("filter", "preview", p)
}

func switchFilter(on bool) handler {
	return func(req *request) error {
		id, err := req.id()
		if err != nil {
			return err
		}
		if err := req.Filters.SetOn(req.r.Context(), req.user.ID, rulespec.FilterID(id), on); err != nil {
			return err
		}
		req.Changed()
		if req.htmx() {
			return req.showFilter()
		}
		if req.form("from") == "overview" {
			return req.redirect("/")
		}
		return req.redirect("/filters")
	}
}

// showFilter renders the one filter that a switch has changed.
func (req *request) showFilter() error {
	f, err := req.ownFilter()
	if err != nil {
		return err
	}
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return err
	}
	return req.partial("filters", "filter-card", req.filterView(f, ds, req.form("from")))
}

// copyFilter makes a second filter of the same rules, which is off.
func copyFilter(req *request) error {
	id, err := req.id()
	if err != nil {
		return err
	}
	saved, err := req.Filters.Copy(req.r.Context(), req.user.ID, rulespec.FilterID(id))
	if err != nil {
		return req.explain(err)
	}
	req.Changed()
	req.flash("good", "This is the copy. It is switched off until you switch it on.")
	return req.redirect(filterPage(saved.ID))
}

func askDeleteFilter(req *request) error {
	f, err := req.ownFilter()
	if err != nil {
		return err
	}
	return req.show(200, "delete", deleteView{
		layout: req.layout("Delete "+f.Name+"?", "filters"), Action: filterPage(f.ID) + "/delete", Back: "/filters",
		Button: "Delete the filter",
		Text:   []string{"It tells you " + req.sentence(f.Filter) + ".", "You can undo it on the next page."},
	})
}

// deleteView is the page that asks before something is deleted.
type deleteView struct {
	layout
	Text                                   []string
	Action, Button, Back, Confirm, Problem string
}

func deleteFilter(req *request) error {
	f, err := req.ownFilter()
	if err != nil {
		return err
	}
	kept, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("keep deleted filter: %w", err)
	}
	if err := req.Filters.Delete(req.r.Context(), req.user.ID, f.ID); err != nil {
		return err
	}
	req.Changed()
	req.sessions.Put(req.r.Context(), keyUndo, kept)
	req.flashUndo("", "Deleted "+f.Name+".", "/filters/undo")
	return req.redirect("/filters")
}

// undoDelete restores the filter that was deleted last in this session, without the destinations that are gone by now.
func undoDelete(req *request) error {
	kept := req.sessions.PopBytes(req.r.Context(), keyUndo)
	var f prefs.Filter
	if len(kept) == 0 || json.Unmarshal(kept, &f) != nil {
		return fail(410, "There is nothing left to undo.")
	}
	f.ID = 0
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return err
	}
	chosen := len(f.Destinations) > 0
	f.Destinations = keepOwn(f.Destinations, ds)
	if chosen && len(f.Destinations) == 0 {
		f.On = false // its destinations are gone, and no destination would mean all
	}
	saved, err := req.Filters.Save(req.r.Context(), req.user.ID, f)
	if err != nil {
		return req.explain(err)
	}
	req.Changed()
	req.flash("good", saved.Name+" is back.")
	return req.redirect("/filters")
}

func keepOwn(ids []uint, ds []prefs.Destination) []uint {
	var own []uint
	for _, d := range ds {
		if containsID(ids, d.ID) {
			own = append(own, d.ID)
		}
	}
	return own
}

// explain turns a mistake of the visitor that belongs to no field of the form into a failure with a sentence.
func (req *request) explain(err error) error {
	var wrong *prefs.Error
	var rule *rulespec.Error
	switch {
	case errors.As(err, &wrong):
		return fail(422, capital(wrong.Error())+".")
	case errors.As(err, &rule):
		return fail(422, capital(rule.Error())+".")
	case errors.Is(err, prefs.ErrTooMany):
		return fail(422, "You have as many of these as one account may have. Delete one first.")
	}
	return err
}
