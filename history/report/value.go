package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// fields are what messages can be grouped by without an expression, with their headings.
var fields = map[string]string{
	"app": "Application", "kind": "Kind of message", "topic": "Topic", "actor": "Who", "user": "Person",
	"package": "Package", "severity": "Severity", "day": "Day",
	"weekday": "Weekday", "hour": "Hour",
}

// times are the fields that are made of the time in the zone of the report, and are shown in its order.
var times = map[string]func(a, b string) int{"day": strings.Compare, "hour": strings.Compare, "weekday": byWeekday}

var weekdays = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

func byWeekday(a, b string) int {
	return cmp.Compare(slices.Index(weekdays, a), slices.Index(weekdays, b))
}

// given are the names that every expression knows: those of the catalogue's entries, and the fields of the event.
var given = []string{"msg", "topic", "root", "environment", "headers", "username",
	"app", "kind", "actor", "users", "packages", "severity", "summary", "link", "day", "weekday", "hour"}

// A scope is what the expressions of a report see of one message. One goroutine at a time uses it.
type scope struct {
	language.Scope
	report  *Report
	event   *catalogue.Event
	divided *topics.Topic
}

func (r *Report) scope(e *catalogue.Event) *scope {
	s := &scope{report: r, event: e}
	s.Scope = language.NewScope(e.Body, s)
	return s
}

// Compute implements language.Variables. What fails is nothing.
func (s *scope) Compute(name string) any {
	if x := s.report.vars[name]; x != nil {
		return s.eval(x)
	}
	e := s.event
	switch name {
	case "app":
		return e.App
	case "kind":
		return e.Kind
	case "actor":
		return e.Actor
	case "users":
		return anyList(e.Users)
	case "packages":
		return anyList(e.Packages)
	case "severity":
		return e.Severity.String()
	case "summary":
		return e.Prose().Summary
	case "link":
		return e.Prose().Link
	case "headers":
		return e.Headers
	case "username":
		return e.Username
	case "day", "weekday", "hour":
		return s.report.timeOf(name, e)
	}
	return s.ofTopic(name)
}

func (s *scope) ofTopic(name string) any {
	if s.divided == nil {
		t := topics.Divide(s.event.Topic)
		s.divided = &t
	}
	switch name {
	case "topic":
		return s.divided.Title
	case "root":
		return s.divided.Root
	case "environment":
		return s.divided.Environment
	}
	return nil
}

func (s *scope) eval(x *language.Expression) any {
	v, err := x.Eval(&s.Scope)
	if err != nil {
		return nil
	}
	return v
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// timeOf gives a message's day, its weekday, or the beginning of its hour.
func (r *Report) timeOf(field string, e *catalogue.Event) string {
	layout := time.DateOnly
	switch field {
	case "weekday":
		layout = "Monday"
	case "hour":
		layout = "15:00"
	}
	return e.Time.In(r.Zone).Format(layout)
}

// of gives the values of a message, each once, as they are shown. s is nil for a field.
func (v *value) of(e *catalogue.Event, r *Report, s *scope) []string {
	var found []string
	switch v.field {
	case "":
		found = values.Texts(s.eval(v.expression))
	case "app":
		found = []string{e.App}
	case "kind":
		found = []string{e.Kind}
	case "topic":
		found = []string{e.Topic}
	case "actor":
		found = []string{e.Actor}
	case "user":
		found = e.Users
	case "package":
		found = e.Packages
	case "severity":
		found = []string{e.Severity.String()}
	case "day", "weekday", "hour":
		found = []string{r.timeOf(v.field, e)}
	}
	shown := make([]string, 0, len(found))
	for _, f := range found {
		if f = clean(f); f != "" && !slices.Contains(shown, f) {
			shown = append(shown, f)
		}
		if len(shown) == mostPerCell {
			break
		}
	}
	return shown
}

// clean makes a name of what anybody may have published: one line, at most maxKey bytes. Names are many, and nearly all
// are plain.
func clean(s string) string {
	if len(s) <= maxKey && text.IsPlainLine(s) && !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ") {
		return s
	}
	return text.ElideBytes(text.OneLine(text.CutBytes(s, 4*maxKey)), maxKey)
}
