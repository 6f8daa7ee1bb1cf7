package values

import (
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"two\nlines\r\n and\ttab":          "two lines and tab",
		"  spaces   fold  ":                "spaces fold",
		"bell\x07 and \x1b[31mescape":      "bell and [31mescape",
		"left\u202eright\u2066x\u2069":     "leftrightx",
		"zero\u200bwidth\ufeff":            "zerowidth",
		"bo\u200db a\u200cb":               "bob ab",
		"می\u200cخواهم\u202e":              "می\u200cخواهم",
		"क्\u200dष 👩\u200d💻":               "क्\u200dष 👩\u200d💻",
		"line\u2028para\u2029end\u0085nel": "line para end nel",
		"bad\xff\xfeutf8":                  "badutf8",
		"\x02bold\x02 \x0304red":           "bold 04red",
		strings.Repeat("é", 400):           strings.Repeat("é", 299) + "…",
		strings.Repeat("é", 300):           strings.Repeat("é", 300),
		"":                                 "",
	} {
		if got := Line(in, 300); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestLink(t *testing.T) {
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
		"https://example.org/" + strings.Repeat("x", MaxLink): "",
		"": "",
	} {
		if got := Link(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestSet(t *testing.T) {
	got := Set([]string{" bob ", "alice", "", "bob", "a\u202eb", strings.Repeat("x", 300), "\n", "élan"})
	if want := "ab alice bob élan"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	many := make([]string, 5000)
	for i := range many {
		many[i] = "p" + strings.Repeat("x", i%200) + string(rune('a'+i%26)) + string(rune('a'+i/26%26))
	}
	if got := Set(many); len(got) > MaxSet {
		t.Errorf("%d members, want at most %d", len(got), MaxSet)
	}
}
