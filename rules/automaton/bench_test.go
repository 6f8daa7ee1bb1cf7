package automaton

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// BenchmarkMachine is a machine beside regexp on a text of 2.8 KB, with all states made ("warm") and with compiling and
// making them ("cold", what an expression costs that is not kept).
func BenchmarkMachine(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 6))
	var words, letters strings.Builder
	for words.Len() < 2800 {
		some := []string{"kernel", "update", "of", "bash", "to", "version", "5", "for", "testing", "cve-2026"}
		words.WriteString(some[random.IntN(len(some))] + " ")
	}
	for letters.Len() < 2800 {
		letters.WriteByte("ab"[random.IntN(2)])
	}
	for _, c := range []struct{ name, expression, text string }{
		{"two-words", `(?i)kernel.*zebra`, words.String()},
		{"words-near", `(?i)\bkernel\b.{0,40}zebra`, words.String()},
		{"cve", `(?i)cve-20[0-9]{2}-[0-9]{4,}.*bash`, words.String()},
		{"no-literal", `(?i)[a-z]%[0-9]{40}`, words.String()},
		{"alternatives", `(?i)(zebra|yak|xenon|walrus) (one|two|three)`, words.String()},
		{"nested", `(?:(?:a*)*b)*c`, letters.String()},
		{"many-states", `(?:a|b)*a(?:a|b){7}c`, letters.String()},
		{"too-many-states", `(?:a|b)*a(?:a|b){14}c`, letters.String()},
	} {
		b.Run(c.name+"/machine-warm", func(b *testing.B) {
			d := machineOf(b, c.expression)
			for b.Loop() {
				r := d.Run()
				r.Match(c.text, 0, false)
			}
		})
		b.Run(c.name+"/regexp-warm", func(b *testing.B) {
			r := regexp.MustCompile(c.expression)
			for b.Loop() {
				r.MatchString(c.text)
			}
		})
		b.Run(c.name+"/machine-cold", func(b *testing.B) {
			for b.Loop() {
				r := machineOf(b, c.expression).Run()
				r.Match(c.text, 0, false)
			}
		})
		b.Run(c.name+"/regexp-cold", func(b *testing.B) {
			for b.Loop() {
				regexp.MustCompile(c.expression).MatchString(c.text)
			}
		})
	}
}
