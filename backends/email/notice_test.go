package email

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
)

func TestCleanLine(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{" a \n b\t\tc ", 10, "a b c"},
		{"abcdef", 4, "abc…"},
		{"ab cdef", 4, "ab…"},
		{"日本語", 3, "日本語"},
		{strings.Repeat("日", 1000), 3, "日日…"},
		{"", 5, ""},
	} {
		if got := cleanLine(c.in, c.n); got != c.want {
			t.Errorf("cleanLine(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func TestBodyDoesNotRepeatTheTitle(t *testing.T) {
	for _, c := range []struct{ name, title, text, want string }{
		{"the same", "bash was built", "bash was built", ""},
		{"behind the package", "[bash] bash was built", "bash was built", ""},
		{"as its first line", "bash was built", "bash was built\n\nin an hour", "in an hour"},
		{"behind the package, as its first line", "[bash] bash was built", "bash was built\n\n  log", "  log"},
		{"another text", "[bash] bash was built", "by alice", "by alice"},
		{"no text", "[bash] ", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, _ := body(backends.Notice{Text: c.text}, c.title, 1000); got != c.want {
				t.Errorf("body = %q, want %q", got, c.want)
			}
		})
	}
}

func TestSafeLink(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.org/a?b=c&d=e#f": "https://example.org/a?b=c&d=e#f",
		"http://example.org":              "http://example.org",
		"https://example.org/Größe":       "https://example.org/Gr%C3%B6%C3%9Fe",
		"https://example.org/?q=a b<c>\"": "https://example.org/?q=a%20b%3Cc%3E%22",
		"HTTPS://example.org/":            "https://example.org/",
		"javascript:alert(1)":             "",
		"data:text/html,x":                "",
		"//example.org/x":                 "",
		"/relative":                       "",
		"https://":                        "",
		"https://user:pw@example.org/":    "",
		"https://example.org/\r\nBcc: x":  "",
		"":                                "",
		"https://example.org/" + strings.Repeat("x", 1000): "",
	} {
		if got := safeLink(in); got != want {
			t.Errorf("safeLink(%.60q) = %q, want %q", in, got, want)
		}
	}
}
