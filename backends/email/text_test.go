package email

import (
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct{ in, want string }{
		{"short", "short"},
		{strings.Repeat("word ", 20) + "end",
			strings.Repeat("word ", 13) + "word\n" + strings.Repeat("word ", 6) + "end"},
		{"see " + long + " there", "see\n" + long + "\nthere"},
		{"  " + long, "  " + long},
		{"a\n" + "  indented " + long, "a\n  indented " + long},
		{strings.Repeat("é", 72), strings.Repeat("é", 72)},
	} {
		if got := wrapText(c.in); got != c.want {
			t.Errorf("wrapText(%q) =\n%s\nwant\n%s", c.in, got, c.want)
		}
	}
}
