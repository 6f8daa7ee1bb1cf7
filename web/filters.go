package web

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// filtersView is the page with all filters.
type filtersView struct {
	frame
	Filters  []filterCard
	Warnings []warning
	Presets  []presetCard
}

// warning is a dead set-up, and the page where it is mended.
type warning struct{ Text, Page, Link string }

func listFilters(v *visit) error {
	cards, ds, err := v.cards("filters")
	if err != nil {
		return err
	}
	p := filtersView{frame: v.frame("Filters", "filters"), Filters: cards, Warnings: warnings(ds)}
	for _, preset := range presets {
		p.Presets = append(p.Presets, presetCard{preset.key, preset.name, preset.sentence()})
	}
	return v.show(200, "filters", p)
}

// cards reads the visitor's filters and destinations.
func (v *visit) cards(from string) ([]filterCard, []prefs.Destination, error) {
	ds, err := v.Destinations.List(v.r.Context(), v.user.ID)
	if err != nil {
		return nil, nil, err
	}
	filters, err := v.Filters.List(v.r.Context(), v.user.ID)
	if err != nil {
		return nil, nil, err
	}
	cards := make([]filterCard, 0, len(filters))
	for _, f := range filters {
		cards = append(cards, v.filterCard(f, ds, from))
	}
	return cards, ds, nil
}

// warnings names the set-ups that reach nobody.
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
	return []warning{{"Nothing can reach you: all your destinations are off, stopped or not confirmed.", "/destinations", "See them"}}
}

// newFilter shows an empty form, or one filled in from an example or from a message.
func newFilter(v *visit) error {
	d := newDraft(prefs.Filter{On: true})
	query := v.r.URL.Query()
	switch {
	case query.Has("preset"):
		f, ok := presetOf(query.Get("preset"))
		if !ok {
			return prefs.ErrNotFound
		}
		d = newDraft(f)
	case query.Has("message"):
		e, err := v.messageEvent(query.Get("message"))
		if err != nil {
			return err
		}
		d = newDraft(filterLike(e))
	}
	d.filter.Owner = v.user.Name
	return v.showEditor(d, "", false)
}

func editFilter(v *visit) error {
	f, err := v.ownFilter()
	if err != nil {
		return err
	}
	return v.showEditor(newDraft(f), "", f.Broken != "")
}

// ownFilter gives the filter that the path names, which must be the visitor's.
func (v *visit) ownFilter() (prefs.Filter, error) {
	id, err := v.id()
	if err != nil {
		return prefs.Filter{}, err
	}
	return v.Filters.Get(v.r.Context(), v.user.ID, rulespec.FilterID(id))
}

// previewFilter shows what the posted form would match, saved or not.
func previewFilter(v *visit) error {
	d := v.readDraft(v.r.PostForm)
	d.filter.Owner = v.user.Name
	if !v.htmx() {
		return v.showEditor(d, "", true)
	}
	if d.asText {
		if problem := v.fromText(&d); problem != "" {
			return v.part("filter", "preview", previewView{Problem: "No preview: " + problem})
		}
	}
	p, err := v.preview(v.r.Context(), d)
	if err != nil {
		return err
	}
	return v.part("filter", "preview", p)
}

func switchFilter(on bool) handler {
	return func(v *visit) error {
		id, err := v.id()
		if err != nil {
			return err
		}
		if err := v.Filters.SetOn(v.r.Context(), v.user.ID, rulespec.FilterID(id), on); err != nil {
			return err
		}
		v.Changed()
		if v.htmx() {
			return v.showCard()
		}
		if v.form("from") == "overview" {
			return v.redirect("/")
		}
		return v.redirect("/filters")
	}
}

// showCard gives the one card that a switch has changed.
func (v *visit) showCard() error {
	f, err := v.ownFilter()
	if err != nil {
		return err
	}
	ds, err := v.Destinations.List(v.r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	return v.part("filters", "filter-card", v.filterCard(f, ds, v.form("from")))
}

// copyFilter makes a second filter of the same rules, switched off until it has been changed.
func copyFilter(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	saved, err := v.Filters.Copy(v.r.Context(), v.user.ID, rulespec.FilterID(id))
	if err != nil {
		return v.explain(err)
	}
	v.Changed()
	v.say("good", "This is the copy. It is switched off until you switch it on.")
	return v.redirect(filterPage(saved.ID))
}

func askDeleteFilter(v *visit) error {
	f, err := v.ownFilter()
	if err != nil {
		return err
	}
	return v.show(200, "delete", deleteView{
		frame: v.frame("Delete "+f.Name+"?", "filters"), Action: filterPage(f.ID) + "/delete", Back: "/filters", Button: "Delete the filter",
		Text: []string{"It tells you " + v.sentence(f.Filter) + ".", "You can undo it on the next page."},
	})
}

// deleteView asks before something is deleted.
type deleteView struct {
	frame
	Text                                   []string
	Action, Button, Back, Confirm, Problem string
}

func deleteFilter(v *visit) error {
	f, err := v.ownFilter()
	if err != nil {
		return err
	}
	kept, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("keep deleted filter: %w", err)
	}
	if err := v.Filters.Delete(v.r.Context(), v.user.ID, f.ID); err != nil {
		return err
	}
	v.Changed()
	v.sessions.Put(v.r.Context(), keyUndo, kept)
	v.sayUndo("", "Deleted "+f.Name+".", "/filters/undo")
	return v.redirect("/filters")
}

// undoDelete brings the filter back that was deleted last in this session. Destinations that are gone by now are left out.
func undoDelete(v *visit) error {
	kept := v.sessions.PopBytes(v.r.Context(), keyUndo)
	var f prefs.Filter
	if len(kept) == 0 || json.Unmarshal(kept, &f) != nil {
		return fail(410, "There is nothing left to undo.")
	}
	f.ID = 0
	ds, err := v.Destinations.List(v.r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	chosen := len(f.Destinations) > 0
	f.Destinations = keepOwn(f.Destinations, ds)
	if chosen && len(f.Destinations) == 0 {
		f.On = false // what it was meant for is gone; everywhere would be more than was asked
	}
	saved, err := v.Filters.Save(v.r.Context(), v.user.ID, f)
	if err != nil {
		return v.explain(err)
	}
	v.Changed()
	v.say("good", saved.Name+" is back.")
	return v.redirect("/filters")
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

// explain makes a mistake of the visitor readable, where the form has no field for it.
func (v *visit) explain(err error) error {
	var wrong *prefs.Error
	var rule *rulespec.Error
	switch {
	case errors.As(err, &wrong):
		return fail(422, capital(wrong.Error())+".")
	case errors.As(err, &rule):
		return fail(422, capital(rule.Error())+".")
	case errors.Is(err, prefs.ErrTooMany):
		return fail(422, "You have as many of these as one account may have. Delete one first.")
	case errors.Is(err, prefs.ErrTooOften):
		return fail(429, "Too many codes were asked for. Wait a while, then try again.")
	}
	return err
}
