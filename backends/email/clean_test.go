package email

import (
	"strings"
	"testing"
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
