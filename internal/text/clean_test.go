package text_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/text"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, s, clean, line string }{
		{"plain", "bash was built", "bash was built", "bash was built"},
		{"empty", "", "", ""},
		{"blanks", "  bash \t was  built ", "  bash \t was  built ", "bash was built"},
		{"blank lines", " \n ", " \n ", ""},
		{"line ends", "a\r\nb\rc\vd\fe\u0085f\u2028g\u2029h", "a\nb\nc\nd\ne\nf\ng\nh", "a b c d e f g h"},
		{"a header", "x\r\nBcc: y", "x\nBcc: y", "x Bcc: y"},
		{"terminal", "\x1b[31mred\x1b[0m\x00\x07\x7f\u009b", "[31mred[0m", "[31mred[0m"},
		{"not UTF-8", "na\xefve \xff\xfe", "na\ufffdve \ufffd", "na\ufffdve \ufffd"},
		{"spaces of other scripts", "a\u00a0b\u3000c", "a\u00a0b\u3000c", "a b c"},
		{"trojan source", "ok\u202e\u2066 // \u2069\u2066live", "ok // live", "ok // live"},
		{"direction marks", "שלום\u200f!", "שלום\u200f!", "שלום\u200f!"},
		{"byte-order mark", "\ufeffbash\ufff9a\ufffab\ufffb", "bashab", "bashab"},
		{"joined emoji", "👩\u200d💻", "👩\u200d💻", "👩\u200d💻"},
		{"accents", "e\u0301\u0323", "e\u0301\u0323", "e\u0301\u0323"},
		{"a tower", "e" + marks(40) + "x", "e" + marks(6) + "x", "e" + marks(6) + "x"},
		{"a tower with controls in it", strings.Repeat(marks(3)+"\x00", 9), marks(6), marks(6)},
	} {
		if got := text.Clean(c.s); got != c.clean {
			t.Errorf("%s: Clean(%q) = %q, want %q", c.name, c.s, got, c.clean)
		}
		if got := text.OneLine(c.s); got != c.line {
			t.Errorf("%s: OneLine(%q) = %q, want %q", c.name, c.s, got, c.line)
		}
	}
}

func marks(n int) string { return strings.Repeat("\u0301", n) }

func TestStorable(t *testing.T) {
	for s, want := range map[string]string{
		"":                   "",
		" a\r\n\x1b\u202e":   " a\r\n\x1b\u202e",
		"a\x00b":             "a\ufffdb",
		"na\xefve\xff\xfe\n": "na\ufffdve\ufffd\n",
	} {
		if got := text.Storable(s); got != want {
			t.Errorf("Storable(%q) = %q, want %q", s, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "bash was built", " a \r\n\tb\u0085", "\x1b[2J\x00", "na\xefve", "\u202egnp.exe",
		"\ufeff", marks(7) + "\x00" + marks(2), "a\u00a0\u3000b", "\r\x00\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean, line := text.Clean(s), text.OneLine(s)
		bad := func(r rune) bool {
			return r != '\n' && r != '\t' && unicode.IsControl(r) || r >= 0x202a && r <= 0x202e
		}
		if !utf8.ValidString(clean) || strings.ContainsFunc(clean, bad) || text.Clean(clean) != clean {
			t.Errorf("Clean(%q) = %q", s, clean)
		}
		if line != strings.Join(strings.Fields(clean), " ") || text.OneLine(line) != line {
			t.Errorf("OneLine(%q) = %q", s, line)
		}
		kept := text.Storable(s)
		if !utf8.ValidString(kept) || strings.Contains(kept, "\x00") || text.Storable(kept) != kept {
			t.Errorf("Storable(%q) = %q", s, kept)
		}
	})
}
