package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// unfit returns why a filter as a whole may not be saved; "" when it may. A filter that only excludes would match
// nearly the whole bus.
func unfit(f rulespec.Filter) string {
	if len(f.Rules) == 0 {
		return "Add at least one rule: a filter without rules matches nothing."
	}
	for _, r := range f.Rules {
		if !r.Not {
			return ""
		}
	}
	return "This filter would match everything else on the bus, because it only says what you do not want. " +
		"Add a rule for what you do want; if you mean the whole bus, add the rule Everything."
}

// saveFilter answers every button of the form: it changes the draft and shows it again, or saves it.
func saveFilter(req *request) error {
	d, err := req.postedDraft()
	if err != nil {
		return err
	}
	do := req.form("do")
	switch {
	case do == "text" && !d.asText:
		req.toText(&d)
	case do == "guided" && d.asText:
		if problem := req.fromText(&d); problem != "" {
			return req.showEditor(d, problem, false)
		}
		d.asText = false
	case req.change(&d, do, req.r.PostForm), do == "text", do == "guided":
	case do == "preview", strings.HasPrefix(do, "preview:"):
		return req.showEditor(d, "", true)
	default:
		return req.storeDraft(d)
	}
	if req.htmx() {
		e, err := req.editor(d, false)
		if err != nil {
			return err
		}
		req.w.Header().Set("HX-Trigger-After-Settle", "previewnow")
		return req.partial("filter", "editor", e)
	}
	return req.showEditor(d, "", false)
}

// postedDraft reads the form and finds the user's filter that it changes.
func (req *request) postedDraft() (draft, error) {
	d := req.readDraft(req.r.PostForm)
	d.filter.UserID, d.filter.Owner = req.user.ID, req.me()
	if end, err := schedule.ReadEnd(d.ends, req.user.Location()); err != nil {
		d.endProblem = "The day it ends on: expected a date such as 2026-12-24."
	} else {
		d.filter.Ends = end
	}
	if req.r.PathValue("id") == "" {
		return d, nil
	}
	id, err := req.id()
	if err != nil {
		return d, err
	}
	stored, err := req.Filters.Get(req.r.Context(), req.user.ID, rulespec.FilterID(id))
	d.filter.ID = stored.ID
	return d, err
}

// showEditor shows the whole page, with a preview where the draft allows one.
func (req *request) showEditor(d draft, textProblem string, check bool) error {
	e, err := req.editor(d, check)
	if err != nil {
		return err
	}
	e.TextProblem = textProblem
	if d.asText && textProblem == "" {
		e.TextProblem = req.fromText(&d)
	}
	if e.Preview, err = req.preview(req.r.Context(), d); err != nil {
		return err
	}
	status := http.StatusOK
	return req.show(status, "filter", e)
}

// storeDraft saves the draft, or shows it again with what is wrong beside each field.
func (req *request) storeDraft(d draft) error {
	if d.asText {
		if problem := req.fromText(&d); problem != "" {
			return req.refuse(d, func(e *editorView) {
				e.TextProblem = problem
				e.Problems = []string{"The text has a mistake."}
			})
		}
	}
	if d.filter.Name == "" && !d.asText {
		d.filter.Name = req.nameOf(d.filter)
	}
	if problems := req.problems(d); len(problems) > 0 {
		return req.refuse(d, func(e *editorView) { e.Problems = problems })
	}
	if !d.everywhere && len(d.filter.Destinations) == 0 {
		return req.refuse(d, func(e *editorView) {
			e.ToProblem = "Choose at least one destination, or everywhere."
			e.Problems = []string{"No destination is chosen."}
		})
	}
	saved, err := req.Filters.Save(req.r.Context(), req.user.ID, d.filter)
	if err != nil {
		return req.explain(err)
	}
	if d.asText { // it has all schedules of the filter's own
		if err := req.saveSchedules(saved.ID, d.filter.Schedules, true); err != nil {
			return err
		}
	}
	req.Changed()
	req.flash("good", "Saved "+saved.Name+".")
	return req.redirect("/filters")
}

// problems lists what is wrong with the rules of a draft.
func (req *request) problems(d draft) []string {
	var list []string
	if d.endProblem != "" && !d.asText {
		list = append(list, d.endProblem)
	}
	if problem := holdProblem(d); problem != "" {
		list = append(list, problem)
	}
	if problem := unfit(d.filter.Filter); problem != "" {
		list = append(list, problem)
	}
	for _, err := range rulespec.Check(req.env(), d.filter.Filter) {
		var e *rulespec.Error
		switch {
		case !errors.As(err, &e):
			list = append(list, userText(err))
		case e.Rule > 0:
			title := e.Kind
			if k := req.kind(e.Kind); k != nil {
				title = k.Title
			}
			list = append(list, title+": "+e.Problem+".")
		case len(list) == 0: // otherwise unfit has named it already
			list = append(list, "This filter "+e.Problem+".")
		}
	}
	return list
}

func (req *request) refuse(d draft, mark func(*editorView)) error {
	e, err := req.editor(d, true)
	if err != nil {
		return err
	}
	mark(&e)
	if e.Preview, err = req.preview(req.r.Context(), d); err != nil {
		return err
	}
	return req.show(http.StatusUnprocessableEntity, "filter", e)
}

// nameOf makes a name for a filter without one.
func (req *request) nameOf(f prefs.Filter) string {
	return text.ElideRunes(capital(req.sentence(f.Filter)), 60)
}
