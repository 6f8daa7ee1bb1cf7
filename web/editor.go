package web

import (
	"cmp"
	"errors"
	"slices"

	"github.com/notifyd/notifyd/prefs/schedule"
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
	Hold         string // minutes for which what has begun waits for its end
	Ends         string // as typed
	HoldProblem  string
	EndsProblem  string
	Nameless     bool     // it says @me, and the visitor's name is not proved
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

// choiceGroup is the message kinds of one application.
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

// lists are the suggestions for parameters, by rule kind.
var lists = map[string]string{"app": "apps", "kind": "kinds", "user": "names", "actor": "names", "owner": "names"}

// editor makes the page of a draft. With check, each field shows what is wrong with it.
func (req *request) editor(d draft, check bool) (editorView, error) {
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return editorView{}, err
	}
	e := editorView{
		layout: req.layout("New filter", "filters"), Action: "/filters",
		Name: d.filter.Name, AsText: d.asText, Text: d.text, Kinds: req.RuleKinds, MessageKinds: req.MessageKinds(),
		Apps:       req.apps(),
		Everywhere: d.everywhere, On: d.filter.On, OneShot: d.filter.OneShot,
		Hold: cmp.Or(d.hold, holdText(d.filter.HoldStarted)), HoldProblem: holdProblem(d), EndsProblem: d.endProblem,
		Ends:     cmp.Or(d.ends, schedule.WriteEnd(d.filter.Ends, req.user.Location())),
		Nameless: req.me() == "" && rulespec.SaysMe(d.filter.Rules),
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

// ruleRow makes the form of a rule, with the mistakes of that rule.
func (req *request) ruleRow(i int, r rulespec.Rule, d draft, mistakes []*rulespec.Error) ruleRow {
	kind := req.kind(r.Kind)
	if kind == nil {
		return ruleRow{Number: i + 1, Kind: r.Kind, Title: r.Kind, Not: r.Not,
			Problem: "There is no such kind of rule (any more), so the filter matches nothing. Remove this rule."}
	}
	row := ruleRow{Number: i + 1, Kind: r.Kind, Title: kind.Title, Doc: kind.Doc, Not: r.Not}
	wrong := slices.DeleteFunc(slices.Clone(mistakes), func(e *rulespec.Error) bool { return e.Rule != i+1 })
	for n, p := range kind.Params {
		f := paramField{Field: fieldName(i, p.Name), Title: p.Title, Doc: p.Doc, Many: p.Many, Optional: p.Optional,
			Values: slices.Clone(r.Args[p.Name])}
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

// pickKinds offers the message kinds of the catalogue. Applications with a chosen kind come first. A typed value that
// is not among them stays.
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

// wrongRules returns the mistakes in the rules of a filter.
func (req *request) wrongRules(f rulespec.Filter) []*rulespec.Error {
	var list []*rulespec.Error
	f.Owner = req.me()
	for _, err := range rulespec.Check(req.env(), f) {
		var e *rulespec.Error
		if errors.As(err, &e) && e.Rule > 0 {
			list = append(list, e)
		}
	}
	return list
}
