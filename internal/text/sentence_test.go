package text_test

import (
	"testing"

	"github.com/notifyd/notifyd/internal/text"
)

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 messages", 1: "1 message", 2: "2 messages", 1204: "1204 messages"} {
		if got := text.Plural(n, "message", "messages"); got != want {
			t.Errorf("Plural(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999",
		123456: "123,456", 1234567: "1,234,567", -1234567: "-1,234,567"} {
		if got := text.Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0 others", 1: "1 other", 2: "2 others", 1204: "1,204 others"} {
		if got := text.NumberOf(n, "other", "others"); got != want {
			t.Errorf("NumberOf(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSeries(t *testing.T) {
	for _, c := range []struct {
		words []string
		last  string
		want  string
	}{
		{nil, "and", ""},
		{[]string{"bash"}, "and", "bash"},
		{[]string{"bash", "zsh"}, "or", "bash or zsh"},
		{[]string{"bash", "zsh", "fish"}, "and", "bash, zsh and fish"},
		{[]string{"bash", "zsh", "fish", "4 others"}, "nor", "bash, zsh, fish nor 4 others"},
	} {
		if got := text.Series(c.words, c.last); got != c.want {
			t.Errorf("Series(%q, %q) = %q, want %q", c.words, c.last, got, c.want)
		}
	}
}
