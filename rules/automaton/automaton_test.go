package automaton

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
)

// machineOf makes a Machine of an expression; nil where the expression is not for it.
func machineOf(t testing.TB, expression string) *Machine {
	t.Helper()
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		t.Fatalf("%q: %v", expression, err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		t.Fatalf("%q: %v", expression, err)
	}
	return New(program)
}

// checkMachine holds what a Machine says of a text to what regexp says, from every place on.
func checkMachine(t testing.TB, d *Machine, expression string, texts ...string) {
	t.Helper()
	whole := regexp.MustCompile(expression)
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile(`\A(?:` + tree.String() + `)`) // as it stands, a \Q would quote what comes behind it
	later := regexp.MustCompile(`\A(?s:.)(?:` + tree.String() + `)`)
	for _, text := range texts {
		r := d.Run()
		if got := r.Match(text, 0, false); got != TooManyStates && (got == Match) != whole.MatchString(text) {
			t.Fatalf("%q in %q: %v, regexp says %v", expression, text, got, whole.MatchString(text))
		}
		before := 0
		for at := range text {
			want := at == 0 && first.MatchString(text) || at > 0 && later.MatchString(text[before:])
			if got := r.Match(text, at, true); got != TooManyStates && (got == Match) != want {
				t.Fatalf("%q at %d of %q: %v, regexp says %v", expression, at, text, got, want)
			}
			before = at
		}
	}
}

func TestMachine(t *testing.T) {
	texts := []string{
		"", "\n", "a", "kernel", "KERNEL-RT", "\u212aernel", "mi\u017f\u017f", "a b\nab", "x=\xff", "straße", "STRASSE",
		"word wordy\nword", "é", "\ufffd", strings.Repeat("ab", 40), "cve-2026-12345: bash", "_a-b_", "日本語", "a\r\n",
		"\n\na",
	}
	for _, expression := range []string{
		``, `a`, `(?i)k`, `(?i)s+`, `^a`, `a$`, `(?m)^ab$`, `\Aa`, `a\z`, `\bword\b`, `\Bord`, `word\B`, `.`, `(?s).`, `[^a]`,
		`[[:alpha:]]+-`, `\p{Greek}`, `(?i)[k-s]`, `a{3,}`, `(ab){5,9}b?$`, `x*`, `(a|b)*c`, `\x{FFFD}`, `é|ß`, `$^`, `\b`,
		`\B`, `(?i)ſ`, `[^\x00-\x{10FFFF}]`, `a|`, `(?i)straße`, `cve-20[0-9]{2}-[0-9]{4,}.*bash`, `(?U)a+b`, `^$`,
		`(?m)^$`, `\b\B`, `(|a)*b`, `(?:$)a`, `\n`, `日.語`,
	} {
		d := machineOf(t, expression)
		if d == nil {
			t.Errorf("%q has no machine", expression)
			continue
		}
		checkMachine(t, d, expression, texts...)
	}
}

// TestMachineBounds has expressions for which there is no room, in the machine or in what it is made of.
func TestMachineBounds(t *testing.T) {
	for _, expression := range []string{
		`[\pL\pN]`, strings.Repeat("[ab]c", 600),
		`(?i)абвгдежзийклмнопрстуфхцчшщъыьэюяабвгдabcdefghijklmnopqrstuvwxyz0123456789`,
	} {
		if d := machineOf(t, expression); d != nil && len(d.insts) > maxInsts {
			t.Errorf("%q has a machine of %d instructions", expression, len(d.insts))
		}
	}
	d := machineOf(t, `(?:a|b)*a(?:a|b){14}$`)
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for range 20_000 {
		text.WriteByte("ab"[random.IntN(2)])
	}
	r := d.Run()
	if got := r.Match(text.String(), 0, false); got != TooManyStates {
		t.Errorf("2^15 states had room: %v", got)
	}
	if n := d.table.Load().bytes(); n > maxBytes {
		t.Errorf("the states take %d bytes", n)
	}
	if n := d.size.Load(); n > maxBytes+8<<10 {
		t.Errorf("the machine says that it takes %d bytes", n)
	}
	checkMachine(t, d, `(?:a|b)*a(?:a|b){14}$`, "ab", text.String()[:100])
}

// TestMachineAtOnce runs one machine in several goroutines while its states are made and forgotten.
func TestMachineAtOnce(t *testing.T) {
	const expression = `(?:a|b)*a(?:a|b){9}c`
	d := machineOf(t, expression)
	plain := regexp.MustCompile(expression)
	done := make(chan bool)
	for seed := range uint64(4) {
		go func() {
			defer func() { done <- true }()
			random := rand.New(rand.NewPCG(seed, 1))
			for range 50 {
				var b strings.Builder
				for range 60 {
					b.WriteByte("aabbc"[random.IntN(5)])
				}
				r := d.Run()
				if got := r.Match(b.String(), 0, false); got != TooManyStates && (got == Match) != plain.MatchString(b.String()) {
					t.Errorf("%q: %v", b.String(), got)
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
}

// FuzzMachine holds random expressions on random texts to what regexp says.
func FuzzMachine(f *testing.F) {
	f.Add(`(?i)\bk.*s\b`, "a \u212ars b")
	f.Add(`(?m)^a|b$`, "b\na")
	f.Add(`[^a-c]{2,3}\B`, "xyz\xffab")
	f.Add(`(a*b|\pL)+\z`, "aabé")
	f.Add(`\Qa`, "a")
	f.Fuzz(func(t *testing.T, expression, text string) {
		if len(expression) > 60 || len(text) > 200 {
			return
		}
		if _, err := regexp.Compile(expression); err != nil {
			return
		}
		if d := machineOf(t, expression); d != nil {
			checkMachine(t, d, expression, text)
		}
	})
}
