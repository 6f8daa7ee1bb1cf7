package email

import (
	"testing"

	"github.com/notifyd/notifyd/backends"
)

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
