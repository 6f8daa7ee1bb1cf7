package mutes

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/web/visit"
)

// choose.go is how a mute is made on a page: what and how long, then what that would have silenced, and then the
// button. The first two are GET and change nothing.

// A span is how long a mute may last.
type span struct {
	Name, Words string
	lasts       time.Duration
}

const day = 24 * time.Hour

// spans are what people choose from. The last is for one thing only.
var spans = []span{{"hour", "an hour", time.Hour}, {"day", "a day", day}, {"week", "a week", 7 * day},
	{"month", "a month", 30 * day}, {"year", "a year", 365 * day}, {"solved", "until it is solved", 0}}

// A choice is something that can be muted because of a message.
type choice struct{ Of, Words, Hint string }

// formView is what is chosen.
type formView struct {
	Action  string // where the page is: "/mutes/new", or that of a link
	Message string // that the choices come from; "": none
	Choices []choice
	Kinds   []choice // what a mute can be of, where there are no Choices
	Spans   []span

	Of, For  string // what is chosen
	Kind     string // of what was typed, where there are no Choices
	Value    string
	Wrong    problems
	Errors   bool   // come through
	Sentence string // of what is chosen
	Guard    string // what it would have silenced
	Loud     bool
	Post     string // where the button posts to
}

// problems stand beside the fields that they are of.
type problems struct{ Value, For string }

func (o Options) emptyForm() formView {
	f := formView{Action: "/mutes/new", Post: "/mutes", Spans: spans, For: "week", Errors: true,
		Kind: string(mute.Package)}
	for _, k := range mute.Kinds {
		if k != mute.Filter {
			f.Kinds = append(f.Kinds, choice{Of: string(k), Words: kindWords[k]})
		}
	}
	return f
}

// kindWords say for each kind of mute what it is of.
var kindWords = map[mute.Kind]string{mute.Object: "one thing (a ticket, a build), by its key",
	mute.Package: "a package", mute.Topic: "a kind of message, as bodhi.update.comment", mute.Person: "what a person does",
	mute.App: "an application", mute.Filter: "a filter"}

// choicesOf lists what can be muted because of a message.
func (o Options) choicesOf(f mute.Facts, filters []prefs.Filter) (list []choice) {
	add := func(k mute.Kind, value, words, hint string) {
		if value != "" && len(value) <= mute.MaxValue {
			list = append(list, choice{Of: string(k) + " " + value, Words: words, Hint: hint})
		}
	}
	for i, object := range f.Objects[:min(len(f.Objects), 3)] {
		hint := ""
		if i == 0 {
			hint = "the thing that the message is about"
		}
		add(mute.Object, object, shown(object), hint)
	}
	for _, name := range f.Packages[:min(len(f.Packages), 8)] {
		add(mute.Package, name, "the package "+shown(name), "")
	}
	kind := f.Kind
	if o.Kind != nil {
		kind = cmp.Or(o.Kind(f.Kind), f.Kind)
	}
	add(mute.Topic, f.Kind, "messages of the kind "+shown(kind), "")
	add(mute.Person, f.Person, "what "+shown(f.Person)+" does", "")
	for _, own := range filters {
		add(mute.Filter, number(uint(own.ID)), "your filter "+shown(own.Name), "other filters still send")
	}
	add(mute.App, f.App, "everything of "+shown(f.App), "")
	return list
}

func shown(s string) string { return text.ElideRunes(text.OneLine(s), 80) }

// read makes a mute of what is chosen.
func read(get func(string) string, now time.Time) (mute.Mute, formView, error) {
	f := formView{Of: get("of"), For: get("for"), Errors: get("errors") != "no"}
	kind, value, _ := strings.Cut(f.Of, " ")
	if f.Of == "" {
		kind, value = get("kind"), strings.TrimSpace(get("value"))
		f.Of = kind + " " + value
	}
	at := slices.IndexFunc(spans, func(s span) bool { return s.Name == f.For })
	if at < 0 {
		return mute.Mute{}, f, visit.Fail(http.StatusUnprocessableEntity, "Choose how long it is to be muted.")
	}
	m := mute.Mute{Kind: mute.Kind(kind), Value: value, Made: now, Ends: now.Add(spans[at].lasts), Errors: f.Errors}
	if spans[at].lasts == 0 {
		m.UntilSolved, m.Ends = true, now.Add(mute.Longest)
	}
	return m, f, m.Check()
}

// choose is the page of a mute that is about to be made.
func (o Options) choose(v *visit.Visit) (*visit.View, error) {
	query := v.Request.URL.Query()
	form := o.emptyForm()
	if form.Message = query.Get("message"); form.Message != "" && query.Get("of") == "" {
		if err := o.fromMessage(v, &form); err != nil {
			return nil, err
		}
	}
	if query.Get("of") == "" && query.Get("kind") == "" {
		return &visit.View{Template: "mute", Title: "Mute", Here: "mutes", Data: form}, nil
	}
	return o.confirm(v, v.User, form, query.Get)
}

// confirm is the page that says what a mute would have silenced, and has the button.
func (o Options) confirm(v *visit.Visit, user prefs.User, form formView, get func(string) string) (*visit.View, error) {
	m, chosen, err := read(get, v.Now)
	if err != nil {
		return o.again(v, form, chosen, err)
	}
	if m.Kind == mute.Filter {
		if m.Label, err = o.filterName(v, user, m.Value); err != nil {
			return nil, err
		}
	}
	sight, err := o.Guard.Look(v.Context(), user, m)
	if err != nil {
		return nil, err
	}
	form.Of, form.For, form.Errors = chosen.Of, chosen.For, chosen.Errors
	form.Sentence = "You hear no more of " + m.Of() + ", " + m.Until(v.Zone) + "; " + m.Through() + "."
	form.Guard, form.Loud, form.Choices = sight.Words(v.Zone), sight.Loud, nil
	return &visit.View{Template: "mute-confirm", Title: "Mute", Here: "mutes", Data: form}, nil
}

// filterName returns the name of a filter of a person's.
func (o Options) filterName(v *visit.Visit, user prefs.User, id string) (string, error) {
	all, err := o.Filters.List(v.Context(), user.ID)
	if err != nil {
		return "", err
	}
	for _, f := range all {
		if number(uint(f.ID)) == id {
			return f.Name, nil
		}
	}
	return "", prefs.ErrNotFound
}

// fromMessage fills in what can be muted because of a message that the visitor may see, or had a notice of.
func (o Options) fromMessage(v *visit.Visit, form *formView) error {
	facts, err := o.facts(v, form.Message)
	if err != nil {
		return err
	}
	filters, err := o.Filters.List(v.Context(), v.User.ID)
	if err != nil {
		return err
	}
	filters = slices.DeleteFunc(filters, func(f prefs.Filter) bool { return !f.On })
	form.Choices = o.choicesOf(facts, filters[:min(len(filters), 10)])
	if len(form.Choices) > 0 {
		form.Of = form.Choices[0].Of
	}
	return nil
}

// make makes the mute.
func (o Options) make(v *visit.Visit) (*visit.View, error) {
	m, _, err := read(v.Form, v.Now)
	if err != nil {
		return nil, wrong(err)
	}
	r, waiting, err := o.Mutes.Make(v.Context(), v.User.ID, m, "page")
	if err != nil {
		return nil, wrong(err)
	}
	return &visit.View{To: "/mutes", Tone: "good", Flash: made(r, waiting, v.Zone), Changed: true}, nil
}

// facts are those of a message that the visitor may see.
func (o Options) facts(v *visit.Visit, id string) (mute.Facts, error) {
	if len(id) > bus.MaxTopic {
		return mute.Facts{}, prefs.ErrNotFound
	}
	var among readers.Sources
	if o.Guard.Readers != nil {
		among = o.Guard.Readers(&v.User)
	}
	r, err := o.Guard.History.Get(v.Context(), id, among)
	if errors.Is(err, history.ErrNotFound) {
		return mute.Facts{}, visit.Fail(http.StatusNotFound, "There is no such message, or it is older than what is kept.")
	}
	if err != nil {
		return mute.Facts{}, err
	}
	m, err := r.Message()
	if err != nil {
		return mute.Facts{}, err
	}
	return mute.OfEvent(o.Guard.Describe(m)), nil
}
