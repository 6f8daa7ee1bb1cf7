package programs

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/rules/automaton"
)

// match is what a caller does with a Program.
func match(c *Cache, number uint32, expression, text string) (bool, error) {
	p, _, err := c.Get(number, expression)
	if err != nil {
		return false, err
	}
	defer c.Measure(p)
	if m := p.Machine(); m != nil {
		run := m.Run()
		if to := run.Match(text, 0, false); to != automaton.TooManyStates {
			return to == automaton.Match, nil
		}
		p.Full()
	}
	return p.Regexp().MatchString(text), nil
}

func expression(number uint32) string { return fmt.Sprintf("word%03d-+[xy]", number) }

// TestRoom asks for more programs than there is room for, from several goroutines.
func TestRoom(t *testing.T) {
	const many, limit = 600, 20 << 10
	c := New(limit)
	for n := range many {
		c = c.Grow(n + 1)
	}
	var workers sync.WaitGroup
	for seed := range uint64(3) {
		workers.Go(func() {
			random := rand.New(rand.NewPCG(seed, 4))
			for range 2000 {
				number := random.Uint32N(many)
				text := fmt.Sprintf("a word%03d--x", random.IntN(many))
				want := strings.Contains(text, fmt.Sprintf("%03d--x", number))
				if got, err := match(c, number, expression(number), text); err != nil || got != want {
					t.Errorf("%s in %q: %v, %v", expression(number), text, got, err)
				}
			}
		})
	}
	workers.Wait()
	if n := c.Bytes(); n > 2*limit || n < 1<<10 {
		t.Errorf("the programs take %d bytes", n)
	}
}

// TestKept wants a program to be compiled once, and one that is asked for again and again to stay.
func TestKept(t *testing.T) {
	c := New(10 << 10).Grow(200)
	for n := range uint32(200) {
		if _, compiled, err := c.Get(n, expression(n)); err != nil || !compiled {
			t.Fatalf("program %d: compiled %v, %v", n, compiled, err)
		}
		if _, compiled, err := c.Get(0, expression(0)); err != nil || compiled && n > 0 {
			t.Fatalf("the first, after program %d: compiled %v, %v", n, compiled, err)
		}
	}
	more := c.Grow(1000)
	if _, compiled, _ := more.Get(0, expression(0)); compiled || more.Bytes() != c.Bytes() {
		t.Error("a larger Cache does not share the programs")
	}
	if c.Grow(200) != c {
		t.Error("there is room for 256 numbers")
	}
}

// TestFull has an expression for which an automaton has no room.
func TestFull(t *testing.T) {
	c := New(1 << 20).Grow(1)
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for range 20_000 {
		text.WriteByte("ab"[random.IntN(2)])
	}
	const expression = `(?:a|b)*a(?:a|b){14}c`
	for range fullOften + 1 {
		if got, err := match(c, 0, expression, text.String()); got || err != nil {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if p, _, _ := c.Get(0, expression); p.Machine() != nil {
		t.Error("the automaton is asked for ever")
	}
}

func TestWrong(t *testing.T) {
	if _, _, err := New(1<<20).Grow(1).Get(0, "a("); err == nil {
		t.Error("a( was compiled")
	}
}

// FuzzCache compares programs in a small Cache with regexp.
func FuzzCache(f *testing.F) {
	f.Add("a*b|c+", "(?i)kernel", "KERNEL aab c")
	f.Add(`^$`, `\bword\b`, "a word\n")
	f.Fuzz(func(t *testing.T, one, two, text string) {
		if len(one)+len(two) > 100 || len(text) > 200 {
			return
		}
		c := New(4 << 10).Grow(4)
		for range 2 {
			for n, expression := range []string{one, two, one + two, one + "|" + two} {
				plain, wrong := regexp.Compile(expression)
				got, err := match(c, uint32(n), expression, text)
				if (err != nil) != (wrong != nil) || err == nil && got != plain.MatchString(text) {
					t.Fatalf("%q in %q: %v, %v, regexp says %v", expression, text, got, err, wrong)
				}
			}
		}
	})
}
