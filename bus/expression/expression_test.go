package expression_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/notifyd/notifyd/bus/expression"
)

// A scope has texts and lists by "kind name".
type scope map[string]any

func (s scope) Look(kind, name string) any { return s[strings.TrimSpace(kind+" "+name)] }

var kinds = expression.Kinds{"header": true, "rows": true, "text": false}

func parse(t testing.TB, source string) expression.Expression {
	t.Helper()
	e, err := expression.Parse(source, kinds)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var came = scope{
	"header Event": "Push Hook", "header Key": "repo:ref.Changed", "header Subject": "[Bug 12] New: \"tea\"\n is hot",
	"header Words": "one, two three", "text": "line 1\r\nline 2\x00\n\n", "rows a b": []any{"x"},
}

func TestText(t *testing.T) {
	for source, want := range map[string]string{
		"":                              "",
		"plain":                         "plain",
		"{header Event}":                "Push Hook",
		"a.{header Event}.b":            "a.Push Hook.b",
		`{header Event | less " Hook"}`: "Push",
		"{header None}":                 "",
		"a{header None}":                "",
		"{header None or header Event}": "Push Hook",
		`{header Event or header Subject | match "\d+"}`:           "12",
		`{header Subject | match "^\[Bug (\d{1,9})\]"}`:            "12",
		`{header Subject | match "nothing|(also)|Bug (\d+)"}`:      "12",
		`{header Subject | match "\"(\w+)\""}`:                     "tea",
		`{header Subject | match "tea|coffee" | as "drink"}`:       "drink",
		`{header Subject | match "coffee" | as "drink"}`:           "",
		`{header Subject | match "coffee" | else "none"}/{text}`:   "none/line 1 line 2",
		`{header Subject | match "} | or \"" | else "no } in it"}`: "no } in it",
	} {
		if got := parse(t, source).Text(came); got != want {
			t.Errorf("%s = %q, want %q", source, got, want)
		}
	}
}

func TestTopic(t *testing.T) {
	for source, want := range map[string]string{
		"a.{header Event}":                "a.push_hook",
		"a.{header None}":                 "a.unknown",
		"a.{header Key}":                  "a.repo_ref_changed",
		"a.{header Key | words}":          "a.repo.ref.changed",
		`a.{header None | else "b"}`:      "a.b",
		`a.{header Event | less " Hook"}`: "a.push",
	} {
		if got := parse(t, source).Topic(came); got != want {
			t.Errorf("%s = %q, want %q", source, got, want)
		}
	}
}

func TestValue(t *testing.T) {
	for source, want := range map[string]any{
		"{text}":                "line 1\nline 2",
		"{header None}":         nil,
		"{header Words | list}": []any{"one", "two", "three"},
		"{header None | list}":  []any{},
		"{header Words | match \"t.*\" | list at}": []any{map[string]any{"at": "two"}, map[string]any{"at": "three"}},
		"{rows a b}": []any{"x"},
		"a {text}":   "a line 1 line 2",
	} {
		if got := parse(t, source).Value(came); !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, want %#v", source, got, want)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for source, want := range map[string]string{
		"a}":                         "a } without {",
		"{header A":                  "a { without }",
		`{header A | less "x}`:       `without a closing "`,
		"{}":                         "header NAME or rows NAME or text was expected",
		"{text A}":                   "was expected",
		"{header}":                   "was expected",
		"{body a}":                   "{body a}: header NAME",
		`{header "A"}`:               "a place to look at was expected",
		"{header A |}":               "after a bar was expected",
		"{header A | upper}":         "after a bar was expected",
		`{header A | less ""}`:       "after a bar was expected",
		`{header A | words "x"}`:     "after a bar was expected",
		`{header A | match "("}`:     "missing closing )",
		`{header A | match "(?=x)"}`: "invalid or unsupported Perl syntax",
		strings.Repeat("a", 2001):    "at most 2000",
	} {
		if _, err := expression.Parse(source, kinds); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}

var topicForm = regexp.MustCompile(`^a(\.[a-z0-9_-]{1,64}){1,4}$`)

// FuzzExpression: whatever came and whatever is written, no text has control characters, and no topic another shape.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{"{header A}", `{header A or text | match "(a|b)+c" | else "x"}`, "{text | list it}",
		`{rows A b | less "\"" | as "}"}`, "x{header A | words}", "{", "}", `{header A | match "(x{1000}){9}"}`} {
		f.Add(seed, "aaaaaaab.c:d/e\x00\u202e\xff")
	}
	f.Fuzz(func(t *testing.T, source, value string) {
		s := scope{"header A": value, "text": value, "rows A b": []any{value}}
		if topic := parse(t, "a.{header A | words}").Topic(s); !topicForm.MatchString(topic) {
			t.Errorf("topic %q of %q", topic, value)
		}
		e, err := expression.Parse(source, kinds)
		if err != nil {
			return
		}
		e.Topic(s)
		e.Value(s)
		if strings.Contains(source, "{") && strings.IndexByte(source, '{') == 0 && strings.Count(source, "}") == 1 {
			if text := e.Text(s); !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\u202e") {
				t.Errorf("%s of %q: %q", source, value, text)
			}
		}
	})
}
