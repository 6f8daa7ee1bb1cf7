package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// editorView is the page of one filter.
type editorView struct {
	layout
	ID           uint
	Action       string
	Sentence     string
	Name         string
	NameProblem  string
	AsText       bool
	Text         string
	TextProblem  string
	Rules        []ruleRow
	Kinds        []*rulespec.RuleKind
	Apps         []choice
	MessageKinds []catalogue.MessageKind
	Destinations []destinationBox
	Everywhere   bool
	ToProblem    string
	On, OneShot  bool
	Problems     []string // shown above the form, because nothing was saved
	Preview      previewView
}

// ruleRow is one rule of the form.
type ruleRow struct {
	Number           int
	Kind, Title, Doc string
	Not              bool
	Params           []paramField
	Problem          string
}

// paramField is one parameter of a rule of the form.
type paramField struct {
	Field, Title, Doc, List string
	Many, Optional, Focus   bool
	Choices                 []choice
	Groups                  []choiceGroup // a long list to pick from, beside what is typed
	Picked                  int           // how many of it are chosen
	Values                  []string
	Problem                 string
}

// choice is a value that can be chosen.
type choice struct {
	Value, Title string
	Chosen       bool
}

// choiceGroup is the kinds of messages of one application.
type choiceGroup struct {
	Title   string
	Choices []choice
	Picked  int
}

// destinationBox is a destination that a filter may be sent to.
type destinationBox struct {
	ID           uint
	Label, State string
	Chosen       bool
}

// lists are the suggestions for parameters, by kind of rule.
var lists = map[string]string{"app": "apps", "kind": "kinds", "user": "names", "actor": "names", "owner": "names"}

// editor makes the page of a draft. check fills in what is wrong with it.
func (req *request) editor(d draft, check bool) (editorView, error) {
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return editorView{}, err
	}
	e := editorView{
		layout: req.layout("New filter", "filters"), Action: "/filters",
		Name: d.filter.Name, AsText: d.asText, Text: d.text, Kinds: req.RuleKinds, MessageKinds: req.MessageKinds(), Apps: req.apps(),
		Everywhere: d.everywhere, On: d.filter.On, OneShot: d.filter.OneShot,
	}
	if d.filter.ID != 0 {
		e.ID, e.Action, e.Title = uint(d.filter.ID), filterPage(d.filter.ID), "Edit filter"
	}
	if len(d.filter.Rules) > 0 && !d.asText {
		e.Sentence = capital(req.sentence(d.filter.Filter)) + "."
	}
	var wrong []*rulespec.Error
	if check {
		wrong = req.wrongRules(d.filter.Filter)
	}
	for i, r := range d.filter.Rules {
		e.Rules = append(e.Rules, req.ruleRow(i, r, d, wrong))
	}
	for _, dest := range ds {
		box := destinationBox{ID: dest.ID, Label: dest.Address, Chosen: slices.Contains(d.filter.Destinations, dest.ID)}
		if !dest.Confirmed {
			box.State = "not confirmed"
		} else if !dest.On || dest.Disabled != "" {
			box.State = "off"
		}
		e.Destinations = append(e.Destinations, box)
	}
	return e, nil
}

// ruleRow is the form of a rule, with those of the mistakes that are its own.
func (req *request) ruleRow(i int, r rulespec.Rule, d draft, mistakes []*rulespec.Error) ruleRow {
	kind := req.kind(r.Kind)
	if kind == nil {
		return ruleRow{Number: i + 1, Kind: r.Kind, Title: r.Kind, Not: r.Not,
			Problem: "There is no such kind of rule (any more), so the filter matches nothing. Remove this rule."}
	}
	row := ruleRow{Number: i + 1, Kind: r.Kind, Title: kind.Title, Doc: kind.Doc, Not: r.Not}
	wrong := slices.DeleteFunc(slices.Clone(mistakes), func(e *rulespec.Error) bool { return e.Rule != i+1 })
	for n, p := range kind.Params {
		f := paramField{Field: fieldName(i, p.Name), Title: p.Title, Doc: p.Doc, Many: p.Many, Optional: p.Optional, Values: slices.Clone(r.Args[p.Name])}
		for _, value := range p.Choices {
			f.Choices = append(f.Choices, choice{Value: value, Chosen: slices.Contains(r.Args[p.Name], value)})
		}
		if kind.Name == "kind" {
			req.pickKinds(&f)
		}
		if len(f.Values) == 0 || d.spare == f.Field {
			f.Values = append(f.Values, "")
		}
		f.Focus = d.spare == f.Field || d.added && n == 0 && i == len(d.filter.Rules)-1
		if n == 0 {
			f.List = lists[kind.Name]
		}
		for _, e := range wrong {
			if e.Param == p.Name {
				f.Problem = capital(e.Problem) + "."
			}
		}
		row.Params = append(row.Params, f)
	}
	for _, e := range wrong {
		if e.Param == "" {
			row.Problem = capital(e.Problem) + "."
		}
	}
	return row
}

// pickKinds offers the kinds of messages that the catalogue knows, applications with one that is chosen first. What is typed and not among them stays as it is.
func (req *request) pickKinds(f *paramField) {
	for _, k := range req.MessageKinds() {
		if n := len(f.Groups); n == 0 || f.Groups[n-1].Title != k.AppTitle {
			f.Groups = append(f.Groups, choiceGroup{Title: k.AppTitle})
		}
		g := &f.Groups[len(f.Groups)-1]
		c := choice{Value: k.Kind, Title: k.Name, Chosen: slices.Contains(f.Values, k.Kind)}
		if c.Chosen {
			g.Picked++
			f.Picked++
			f.Values = slices.DeleteFunc(f.Values, func(value string) bool { return value == k.Kind })
		}
		g.Choices = append(g.Choices, c)
	}
	slices.SortStableFunc(f.Groups, func(a, b choiceGroup) int { return min(b.Picked, 1) - min(a.Picked, 1) })
}

// wrongRules gives what is wrong with the rules of a filter.
func (req *request) wrongRules(f rulespec.Filter) []*rulespec.Error {
	var list []*rulespec.Error
	f.Owner = req.user.Name
	for _, err := range rulespec.Check(req.env(), f) {
		var e *rulespec.Error
		if errors.As(err, &e) && e.Rule > 0 {
			list = append(list, e)
		}
	}
	return list
}

// unfit says why a filter may not be saved as a whole; "" when it may. A filter that only says what it does not want
// would match the whole bus.
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

// saveFilter is every button of the form: it changes the draft and shows it again, or saves it.
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

// postedDraft reads the form and finds the filter that it changes, which must be the visitor's own.
func (req *request) postedDraft() (draft, error) {
	d := req.readDraft(req.r.PostForm)
	d.filter.UserID, d.filter.Owner = req.user.ID, req.user.Name
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
			return req.refuse(d, func(e *editorView) { e.TextProblem = problem; e.Problems = []string{"The text has a mistake."} })
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
	req.Changed()
	req.flash("good", "Saved "+saved.Name+".")
	return req.redirect("/filters")
}

// problems lists what is wrong with the rules of a draft.
func (req *request) problems(d draft) []string {
	var list []string
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
		case len(list) == 0: // else unfit said it in the words of the page
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

// nameOf makes a name for a filter that was given none.
func (req *request) nameOf(f prefs.Filter) string {
	return text.ElideRunes(capital(req.sentence(f.Filter)), 60)
}
