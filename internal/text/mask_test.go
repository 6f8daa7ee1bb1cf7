package text_test

import (
	"testing"

	"github.com/notifyd/notifyd/internal/text"
)

func TestMask(t *testing.T) {
	for address, want := range map[string]string{
		"alice@example.org": "a…@example.org", "élan@libera": "é…@libera", "alice": "a…", "": "…", "@x": "…@x",
		"a@secret@example.org": "a…@example.org", "\xff\xfe@x": "\xff…@x",
	} {
		if got := text.Mask(address); got != want {
			t.Errorf("%q is masked as %q, want %q", address, got, want)
		}
	}
}
