package rulespec_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
)

// TestSearchPromises holds random expressions to what their Search says of random texts of the same few letters.
func TestSearchPromises(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	known, led := 0, 0
	for range 3000 {
		pattern := randomPattern(random, 3)
		r := rulespec.Rule{Kind: "regex", Args: rulespec.Args{"pattern": {pattern}, "in": {"summary"}}}
		if random.IntN(2) == 0 {
			r.Args["case"] = []string{"sensitive"}
		}
		p, err := rulespec.CompileRule(rulespec.Env{}, r)
		if err != nil {
			continue
		}
		if p.Search.Literals != nil {
			known++
		}
		if _, leading, err := rulespec.CompileProgram(p.Search.Expression); err != nil {
			t.Fatalf("%q: %v", p.Search.Expression, err)
		} else if leading != nil {
			led++
		}
		for range 20 {
			text := randomText(random)
			s := subject(text, nil)
			checkSearch(t, s, p, holds(t, p, s), pattern)
		}
		if t.Failed() {
			return
		}
	}
	if known < 300 || led < 100 {
		t.Errorf("literals of %d expressions are known, leading ones of %d: too few for a test", known, led)
	}
}

func randomPattern(random *rand.Rand, depth int) string {
	if depth == 0 || random.IntN(3) == 0 {
		words := []string{"abc", "ab", "a", "kas", "ſab", "bca", "[ab]", "[a-c]", ".", `\b`, "^", "$", "", "(?i)ka",
			"ß", "x"}
		return words[random.IntN(len(words))]
	}
	a, b := randomPattern(random, depth-1), randomPattern(random, depth-1)
	switch random.IntN(7) {
	case 0:
		return "(" + a + "|" + b + ")"
	case 1:
		return "(?:" + a + ")" + []string{"*", "+", "?", "{2}", "{0,1}", "{1,3}"}[random.IntN(6)] + b
	case 2:
		return a + ".*" + b
	}
	return a + b
}

func randomText(random *rand.Rand) string {
	var b strings.Builder
	for range random.IntN(14) {
		b.WriteString([]string{"a", "b", "c", "A", "B", "k", "s", "K", "S", "\u212a", "ſ", " ", "ß", "\xff",
			"abc"}[random.IntN(15)])
	}
	return b.String()
}

// TestSearchOfSeveral joins expressions of which one by itself would swallow the others.
func TestSearchOfSeveral(t *testing.T) {
	for _, patterns := range [][]string{{`\Qa|b`, "kernel"}, {"kernel", `\Qa(b`}, {"(?i)a|b", "^c", "(?s)d.e"},
		{"a|", "b"}} {
		r := rulespec.Rule{Kind: "regex",
			Args: rulespec.Args{"pattern": patterns, "in": {"summary"}, "case": {"sensitive"}}}
		p, err := rulespec.CompileRule(rulespec.Env{}, r)
		if err != nil {
			continue
		}
		for _, text := range []string{"", "a|b", "kernel", "Kernel", "a(b", "c", "ac", "d\ne", "A", "|"} {
			s := subject(text, nil)
			checkSearch(t, s, p, holds(t, p, s), strings.Join(patterns, " or "))
		}
	}
}
