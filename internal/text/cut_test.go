package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/text"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		name  string
		cut   func(string, int) string
		s     string
		limit int
		want  string
	}{
		{"CutBytes", text.CutBytes, "bash", 4, "bash"},
		{"CutBytes", text.CutBytes, "bash", 3, "bas"},
		{"CutBytes", text.CutBytes, "bash", 0, ""},
		{"CutBytes", text.CutBytes, "bash", -1, ""},
		{"CutBytes", text.CutBytes, "aé", 2, "a"},
		{"CutBytes", text.CutBytes, "aéb", 3, "aé"},
		{"CutBytes", text.CutBytes, "日本", 5, "日"},
		{"CutBytes", text.CutBytes, "日本", 2, ""},
		{"CutBytes", text.CutBytes, "a🦉", 4, "a"},
		{"CutBytes", text.CutBytes, "a\x80\x80\x80\x80\x80", 4, "a\x80\x80\x80"}, // not UTF-8: any place is as good
		{"CutBytes", text.CutBytes, "a\xe6\x97b", 3, "a\xe6\x97"},
		{"CutRunes", text.CutRunes, "日本語", 3, "日本語"},
		{"CutRunes", text.CutRunes, "日本語", 2, "日本"},
		{"CutRunes", text.CutRunes, "日本語", 0, ""},
		{"CutRunes", text.CutRunes, "日本語", -1, ""},
		{"CutRunes", text.CutRunes, "", 2, ""},
		{"ElideBytes", text.ElideBytes, "notices", 7, "notices"},
		{"ElideBytes", text.ElideBytes, "notices", 6, "not…"},
		{"ElideBytes", text.ElideBytes, "one more", 7, "one…"},
		{"ElideBytes", text.ElideBytes, "日本語日", 9, "日本…"},
		{"ElideBytes", text.ElideBytes, "日本語日", 8, "日…"},
		{"ElideBytes", text.ElideBytes, "four", 3, "…"},
		{"ElideBytes", text.ElideBytes, "four", 2, ""},
		{"ElideBytes", text.ElideBytes, "four", -1, ""},
		{"ElideRunes", text.ElideRunes, "日本語日", 4, "日本語日"},
		{"ElideRunes", text.ElideRunes, "日本語日", 3, "日本…"},
		{"ElideRunes", text.ElideRunes, "one more", 5, "one…"},
		{"ElideRunes", text.ElideRunes, "four", 1, "…"},
		{"ElideRunes", text.ElideRunes, "four", 0, ""},
		{"ElideRunes", text.ElideRunes, "", 0, ""},
	} {
		if got := c.cut(c.s, c.limit); got != c.want {
			t.Errorf("%s(%q, %d) = %q, want %q", c.name, c.s, c.limit, got, c.want)
		}
	}
}

func FuzzCut(f *testing.F) {
	seeds := []string{"", "bash", "naïve café", "日本語日本語", "🦉🦉", "a  b …", "\x80\x80\x80\x80\x80", "\xf0\x9f\xa6",
		"e\u0301e\u0301"}
	for _, s := range seeds {
		for _, limit := range []int{-1, 0, 2, 3, 4, 5, 7} {
			f.Add(s, limit)
		}
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		most := max(limit, 0)
		bytes, runes := text.CutBytes(s, limit), text.CutRunes(s, limit)
		if len(bytes) > most || !strings.HasPrefix(s, bytes) || min(len(s), most)-len(bytes) >= utf8.UTFMax {
			t.Errorf("CutBytes(%q, %d) = %q", s, limit, bytes)
		}
		want := min(utf8.RuneCountInString(s), most)
		if n := utf8.RuneCountInString(runes); !strings.HasPrefix(s, runes) || n != want {
			t.Errorf("CutRunes(%q, %d) = %q of %d runes, want %d", s, limit, runes, n, want)
		}
		elidedBytes, elidedRunes := text.ElideBytes(s, limit), text.ElideRunes(s, limit)
		if len(elidedBytes) > most || !shortened(s, elidedBytes, most < len(text.Ellipsis)) {
			t.Errorf("ElideBytes(%q, %d) = %q", s, limit, elidedBytes)
		}
		if utf8.RuneCountInString(elidedRunes) > most || !shortened(s, elidedRunes, most == 0) {
			t.Errorf("ElideRunes(%q, %d) = %q", s, limit, elidedRunes)
		}
		for _, got := range []string{bytes, runes, elidedBytes, elidedRunes} {
			if utf8.ValidString(s) && !utf8.ValidString(got) {
				t.Errorf("%q of %d has half a rune: %q", s, limit, got)
			}
		}
	})
}

// shortened reports whether got is s, or a start of it and an ellipsis, or nothing where there is no room for that.
func shortened(s, got string, noRoom bool) bool {
	start, cut := strings.CutSuffix(got, text.Ellipsis)
	return got == s || noRoom && got == "" || cut && strings.HasPrefix(s, start) && !strings.HasSuffix(start, " ")
}
