package text_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/internal/text"
)

func TestJoinersStayWhereTheyMeanSomething(t *testing.T) {
	for s, want := range map[string]bool{
		"می\u200cخواهم":     true,  // Persian: two parts of a word
		"क्\u200dष":         true,  // Devanagari: a half letter
		"क्\u200d x":        true,  // shown alone
		"ക്\u200d":          true,  // Malayalam, at the end
		"👩\u200d💻":          true,  // one picture of two
		"👩🏽\u200d💻":         true,  // with a colour of skin
		"❤\ufe0f\u200d🔥":    true,  // with a selector
		"👩\u200c💻":          false, // a non-joiner between pictures
		"bo\u200db":         false, // another bob
		"bo\u200cb":         false,
		"\u200dbob":         false,
		"bob\u200d":         false,
		"a\u200dक":          false,
		"می\u200c":          false,
		"می\u200c\u200cخوا": false, // one is enough
		"👩\u200d":           false,
		"а\u200db":          false, // Cyrillic
	} {
		if got := text.JoinerStays(s, strings.IndexAny(s, "\u200c\u200d")); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}
