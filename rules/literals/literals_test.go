package literals

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// An occurrence is a literal, by its number, and where it begins.
type occurrence struct{ id, at int }

func compare(a, b occurrence) int { return (a.id-b.id)*1_000_000 + a.at - b.at }

// scanned gives what an Index finds in a text, each occurrence once.
func scanned(x *Index, text string) (all []occurrence) {
	x.Scan(Pad([]byte(text)), func(e *Entry, at int) { all = append(all, occurrence{int(e.ID), at}) })
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}

// searched gives what strings.Index finds.
func searched(literals []string, text string) (all []occurrence) {
	for id, l := range literals {
		for at := range len(text) {
			if strings.HasPrefix(text[at:], l) {
				all = append(all, occurrence{id, at})
			}
		}
	}
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}

// check compares an Index of literals, and a Bloom, with package strings.
func check(t *testing.T, literals []string, texts ...string) {
	t.Helper()
	var x *Index
	for id, l := range literals {
		x = x.Add([]string{l}, nil, Target{ID: uint32(id)})
	}
	var b Bloom
	for _, text := range texts {
		if got, want := scanned(x, text), searched(literals, text); !slices.Equal(got, want) {
			t.Fatalf("in %q: found %v, want %v", text, got, want)
		}
		b.Reset()
		padded := Pad([]byte(text))
		for _, l := range literals {
			if got, want := b.Contains(padded, l), strings.Contains(text, l); got != want {
				t.Fatalf("%q in %q: %v, want %v", l, text, got, want)
			}
		}
	}
}

func TestLiterals(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(most int) string {
		var b strings.Builder
		for range 3 + random.IntN(most) {
			b.WriteByte("abc"[random.IntN(3)])
		}
		return b.String()
	}
	for _, n := range []int{1, 20, 400} { // the table grows twice with the last
		var literals, texts []string
		for range n {
			literals = append(literals, word(5), word(60))
		}
		for range 20 {
			texts = append(texts, word(1500)+literals[random.IntN(len(literals))]+word(10))
		}
		check(t, literals, append(texts, "", "a", "ab", "abc")...)
	}
}

// TestAll adds literals under given q-grams, and wants all of it back.
func TestAll(t *testing.T) {
	var x *Index
	for range x.All {
		t.Fatal("the nil Index has a literal")
	}
	want := map[string]uint16{}
	for i := range 700 {
		l := fmt.Sprintf("literal number %d, with some more behind it", i)
		offset := uint16(i % 8)
		if !ValidOffset(len(l), int(offset)) || ValidOffset(len(l), len(l)-5) {
			t.Fatalf("ValidOffset is wrong about %q", l)
		}
		want[l] = offset
		x = x.Add([]string{l}, []uint16{offset}, Target{ID: uint32(i), Texts: 3, Plain: i%2 == 0})
	}
	for e := range x.All {
		if want[e.Literal()] != e.Offset() || e.Len() != len(e.Literal()) || e.Texts != 3 || e.Plain != (e.ID%2 == 0) {
			t.Errorf("%q: offset %d, target %+v", e.Literal(), e.Offset(), e.Target)
		}
		delete(want, e.Literal())
	}
	if len(want) > 0 || x.Len() != 700 {
		t.Errorf("%d literals are missing of %d", len(want), x.Len())
	}
}

func FuzzLiterals(f *testing.F) {
	f.Add("kernel panic kernel-rt", "kernel", "panic", "rt")
	f.Add("aaaaaaaaaa", "aaa", "aaaa", "aaaaaaa")
	f.Add("\x00\xff\x00\xff\x00\xff", "\x00\xff\x00", "\xff\x00\xff\x00\xff", "\x00\x00\x00")
	f.Add(strings.Repeat("long literal ", 60), strings.Repeat("long literal ", 5), "ral long", "al l")
	f.Fuzz(func(t *testing.T, text, a, b, c string) {
		var literals []string
		for _, l := range []string{a, b, c, a + b, b + c, a + c + b} { // more than a Bloom answers unfilled
			if len(l) >= gramSizes[0] && len(l) < 1<<16 {
				literals = append(literals, l)
			}
		}
		if len(text) < 1<<12 {
			check(t, literals, text)
		}
	})
}
