package backends

import (
	"slices"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// fillIn makes a sentence of its parts. The work grows with the values, however often a part names them.
func fillIn(parts []DigestPart, ns []Notice) string {
	f := filler{stands: map[string][]string{}, ns: ns}
	for _, p := range parts {
		switch {
		case p.If != "" && len(f.values(p.If)) == 0, p.Unless != "" && len(f.values(p.Unless)) > 0:
		case p.Name == "":
			f.write(p.Text)
		case p.One != "" || p.Many != "":
			f.write(text.Plural(number(p, f.values(p.Name)), p.One, p.Many))
		case p.Sum || p.Name == "count" || p.Name == "failures":
			f.write(strconv.Itoa(number(p, f.values(p.Name))))
		case len(f.values(p.Name)) == 0:
			f.leave(p.Name)
		default:
			f.write(series(f.values(p.Name)))
		}
	}
	return f.text
}

// A filler is the sentence under way.
type filler struct {
	text   string
	ns     []Notice
	stands map[string][]string
	closes string // the bracket that ends what was left out
}

func (f *filler) values(name string) []string {
	if _, ok := f.stands[name]; !ok {
		f.stands[name] = valuesOf(name, f.ns)
	}
	return f.stands[name]
}

func (f *filler) write(s string) {
	if f.closes != "" {
		s = strings.TrimPrefix(s, f.closes)
		f.closes = ""
	}
	f.text += s
}

// leaders are words of a sentence that lead to a name, and cannot stand without it.
var leaders = []string{"of", "to", "in", "for", "from", "on", "as", "by", "at", "with", "into", "out", "the", "a", "an",
	"and", "or", ":", ","}

// leave goes on without a name that none of the notices has, and takes back the words that lead to it.
func (f *filler) leave(name string) {
	if strings.TrimSpace(f.text) == "" {
		if name == "actors" {
			f.text = "Somebody"
		}
		return
	}
	f.text = strings.TrimRight(f.text, " ")
	if rest, open := strings.CutSuffix(f.text, "("); open {
		f.text, f.closes = strings.TrimRight(rest, " "), ")"
		return
	}
	for {
		at := strings.LastIndexByte(f.text, ' ') + 1
		if f.text == "" || !slices.Contains(leaders, f.text[at:]) {
			f.text = strings.TrimRight(f.text, ":, ")
			return
		}
		f.text = strings.TrimRight(f.text[:at], " ")
	}
}
