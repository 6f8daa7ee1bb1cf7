package trust

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func mustPattern(t testing.TB, text string) pattern {
	t.Helper()
	p, err := parsePattern(text)
	if err != nil {
		t.Fatalf("parsePattern(%q): %v", text, err)
	}
	return p
}

func TestPatternMatches(t *testing.T) {
	for _, c := range []struct{ pattern, yes, no string }{
		{"org.example.prod.git.push", "org.example.prod.git.push", "org.example.prod.git org.example.prod.git.push.x"},
		{"org.*.prod", "org.example.prod org.a.prod", "org.prod org.a.b.prod org.a.stg"},
		{"org.#", "org org.a org.a.b.c", "com.org com"},
		{"#", "a a.b a.b.c", ""},
		{"#.push", "push a.push a.b.push push.push", "a.push.x pushx a.pushx"},
		{"a.#.b.#.c", "a.b.c a.x.b.y.c a.b.b.c.c a.x.y.b.c", "a.c a.b a.b.c.d b.c"},
		{"a.#.*", "a.b a.b.c", "a"},
		{"*.#.*", "a.b a.b.c", "a"},
		{"a.*.#.c", "a.b.c a.b.x.c a.b.x.c.c", "a.c a.b a.b.d"},
	} {
		p := mustPattern(t, c.pattern)
		for _, topic := range strings.Fields(c.yes) {
			if !p.matches(strings.Split(topic, ".")) {
				t.Errorf("%s does not match %s", c.pattern, topic)
			}
		}
		for _, topic := range strings.Fields(c.no) {
			if p.matches(strings.Split(topic, ".")) {
				t.Errorf("%s matches %s", c.pattern, topic)
			}
		}
	}
}

// TestPatternMatchesAsRegexp compares random patterns and topics with a regular expression of the same meaning.
func TestPatternMatchesAsRegexp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(words string, most int) []string {
		var picked []string
		for range 1 + random.IntN(most) {
			picked = append(picked, string(words[random.IntN(len(words))]))
		}
		return picked
	}
	hits := 0
	for range 20_000 {
		p, err := parsePattern(strings.Join(pick("ab*#", 5), "."))
		if err != nil {
			continue // # twice
		}
		topic := pick("abc", 6)
		want := asRegexp(p).MatchString("." + strings.Join(topic, "."))
		if got := p.matches(topic); got != want {
			t.Fatalf("%s matches %v: %v, want %v", p.text, topic, got, want)
		}
		if want {
			hits++
		}
	}
	if hits < 1000 {
		t.Errorf("only %d of the random topics matched", hits)
	}
}

// asRegexp gives an expression for a topic with a dot before each word.
func asRegexp(p pattern) *regexp.Regexp {
	text := strings.NewReplacer(".#", `(\.[^.]+)*`, ".", `\.`, "*", `[^.]+`).Replace("." + p.text)
	return regexp.MustCompile("^" + text + "$")
}

func TestPatternMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "empty word",
		"a..b":                    "empty word",
		".a":                      "empty word",
		"a.":                      "empty word",
		"a.b*":                    "word of its own",
		"a.#b":                    "word of its own",
		"a.#.#":                   "twice",
		"a b":                     "without spaces",
		"a.\x00":                  "without spaces",
		strings.Repeat("a.", 40):  "at most",
		"org.fedoraproject.prod.": "empty word",
	} {
		if _, err := parsePattern(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parsePattern(%q): %v, want %q", text, err, want)
		}
	}
}

func TestMoreSpecificIsAnOrder(t *testing.T) {
	want := []string{
		"a.b.c.d", // all literal
		"a.b.c.*", // three literals, no #
		"a.*.c.d", // the literal stands later
		"a.b.*",   // two literals
		"a.*.c",   //
		"*.b.c",   //
		"a.b.*.#", // the same with a #
		"a.b.#",   // fewer words
		"a.#.b",   //
		"a.*",     // one literal
		"a.#",     //
		"b.#",     // the text decides
		"*",       //
		"*.#", "#",
	}
	got := slices.Clone(want)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortFunc(got, func(a, b string) int { return moreSpecific(mustPattern(t, a), mustPattern(t, b)) })
	if !slices.Equal(got, want) {
		t.Errorf("sorted: %v\nwant:   %v", got, want)
	}
}
