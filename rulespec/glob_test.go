package rulespec

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// naiveGlob is the meaning of a pattern, word for word as the manual has it, with all the backtracking it likes.
func naiveGlob(pattern, name []rune) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	if pattern[0] == '*' {
		for i := range len(name) + 1 {
			if naiveGlob(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	}
	if len(name) == 0 {
		return false
	}
	length, takes := 1, pattern[0] == name[0]
	switch pattern[0] {
	case '?':
		takes = true
	case '[':
		length, takes = naiveClass(pattern, name[0])
	}
	return takes && naiveGlob(pattern[length:], name[1:])
}

// naiveClass returns the length of the class that pattern begins with and whether it takes c.
func naiveClass(pattern []rune, c rune) (int, bool) {
	i, neg, in := 1, false, false
	if pattern[i] == '!' {
		neg = true
		i++
	}
	for first := true; first || pattern[i] != ']'; first = false {
		from, to := pattern[i], pattern[i]
		if pattern[i+1] == '-' && i+2 < len(pattern) && pattern[i+2] != ']' {
			to = pattern[i+2]
			i += 2
		}
		i++
		in = in || from <= c && c <= to
	}
	return i + 1, in != neg
}

func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{
		{"*.git.receive", "org.x.git.receive"}, {"a*b*c", "aXbXbc"}, {"[!a-c]?[]x]", "dé]"}, {"[a-]", "-"}, {"**", ""},
		{"[", "["}, {"[]", "]"}, {"[!]", "!"}, {"[!]]", "x"}, {"[]-a]", "^"}, {"*a*a*a*b", "aaaaaaaaaaaa"},
		{"é*", "éa"}, {"[a-c-e]", "-"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		// The oracle takes exponential time, and what is not UTF-8 is no pattern.
		if len(pattern) > 12 || len(name) > 20 || !utf8.ValidString(pattern) || !utf8.ValidString(name) {
			return
		}
		g, wrong := compileGlob(pattern)
		if (g == nil) != (wrong != "") {
			t.Fatalf("compileGlob(%q) = %v, %q", pattern, g, wrong)
		}
		if g == nil {
			return
		}
		if got, want := g.match(name), naiveGlob([]rune(pattern), []rune(name)); got != want {
			t.Errorf("%q on %q = %v, want %v", pattern, name, got, want)
		}
	})
}

// TestGlobIsNotExponential: the worst pattern on the worst name of the allowed sizes is done at once.
func TestGlobIsNotExponential(t *testing.T) {
	g, wrong := compileGlob(strings.Repeat("*a", MaxValue/2-1) + "b")
	if wrong != "" {
		t.Fatal(wrong)
	}
	start := time.Now()
	for range 10 {
		if g.match(strings.Repeat("a", MaxName)) {
			t.Error("matches")
		}
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"packge", "package", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2},
		{"x", "everything", 5}} {
		if got := editDistance(test.a, test.b, 5); got != test.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
