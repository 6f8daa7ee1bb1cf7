package catalogue

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/notifyd/notifyd/bus"
)

func TestCleanSummary(t *testing.T) {
	for in, want := range map[string]string{
		"two\nlines\r\n and\ttab":          "two lines and tab",
		"  spaces   fold  ":                "spaces fold",
		"bell\x07 and \x1b[31mescape":      "bell and [31mescape",
		"left\u202eright\u2066x\u2069":     "leftrightx",
		"zero\u200bwidth\ufeff":            "zerowidth",
		"line\u2028para\u2029end\u0085nel": "line para end nel",
		"bad\xff\xfeutf8":                  "badutf8",
		"\x02bold\x02 \x0304red":           "bold 04red",
		strings.Repeat("é", 400):           strings.Repeat("é", 299) + "…",
		strings.Repeat("é", 300):           strings.Repeat("é", 300),
		"":                                 "",
	} {
		if got := oneLine(in, maxSummary); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCleanLink(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.org/a?b=c#d":                         "https://example.org/a?b=c#d",
		" http://example.org/a b ":                            "http://example.org/a%20b",
		`https://example.org/"<x>`:                            "https://example.org/%22%3Cx%3E",
		"https://example.org/é":                               "https://example.org/é",
		"javascript:alert(1)":                                 "",
		"/relative":                                           "",
		"//example.org/x":                                     "",
		"http:///nohost":                                      "",
		"ftp://example.org/":                                  "",
		"https://user:pw@example.org/":                        "",
		"https://example.org/a\nb":                            "",
		"https://example.org/\u202egpj.exe":                   "",
		"https://exa mple.org/":                               "",
		"https://example.org/" + strings.Repeat("x", maxLink): "",
		"": "",
	} {
		if got := cleanLink(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCleanSets(t *testing.T) {
	got := cleanSet([]string{" bob ", "alice", "", "bob", "a\u202eb", strings.Repeat("x", 300), "\n", "élan"})
	if want := "ab alice bob élan"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	many := make([]string, 5000)
	for i := range many {
		many[i] = "p" + strings.Repeat("x", i%200) + string(rune('a'+i%26)) + string(rune('a'+i/26%26))
	}
	if got := cleanSet(many); len(got) > maxSet {
		t.Errorf("%d members, want at most %d", len(got), maxSet)
	}
}

func TestBodyText(t *testing.T) {
	e := &Event{Message: &bus.Message{Body: body(t, `{"z": [1, 2.50, null, true], "a": {"é": "\u2028 \"q\" \\ \n \u0001 <b>"}}`)}}
	if want := "{\"a\":{\"é\":\"\u2028 \\\"q\\\" \\\\ \\n \\u0001 <b>\"},\"z\":[1,2.50,null,true]}"; e.BodyText() != want {
		t.Errorf("got %s\nwant %s", e.BodyText(), want)
	}
	if (&Event{}).BodyText() != "" {
		t.Error("an event without a message has a body")
	}
}

func TestBodyTextIsCutOnARune(t *testing.T) {
	e := &Event{Message: &bus.Message{Body: map[string]any{"a": strings.Repeat("é", 1<<20), "b": json.Number("1")}}}
	got := e.BodyText()
	if len(got) > maxBody || len(got) < maxBody-4 || !utf8.ValidString(got) {
		t.Errorf("%d bytes, valid %v; want %d at most", len(got), utf8.ValidString(got), maxBody)
	}
	deep := any("x")
	for range 5000 {
		deep = []any{deep}
	}
	(&Event{Message: &bus.Message{Body: deep}}).BodyText()
}
