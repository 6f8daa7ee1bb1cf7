package email

import (
	"strings"
	"testing"
)

func TestCleanText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain\ttext", "plain\ttext"},
		{"a\r\nb\rc\nd", "a\nb\nc\nd"},
		{"a\u2028b\u2029c\u0085d\ve", "a\nb\nc\nd\ne"},
		{"a\x00b\x1b[31mc\x7f\u009b", "ab[31mc"},
		{"\u202eabc\u2066\ufeff", "abc"},
		{"\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u200f", "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u200f"},
		{"\xff\xfe", "\ufffd"},
		{"e" + strings.Repeat("\u0301", 100), "e" + strings.Repeat("\u0301", maxMarks)},
		{"👩\u200d💻", "👩\u200d💻"},
	} {
		if got := cleanText(c.in); got != c.want {
			t.Errorf("cleanText(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

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
