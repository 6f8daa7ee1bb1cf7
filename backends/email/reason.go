package email

import (
	"cmp"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/backends"
)

// reason is a filter in the footer.
type reason struct {
	Filter, Sentence, Link, Stop string
	Count                        int // notices that it brought
}

// reasons are the filters of all notices, those that brought most first.
func reasons(ns []backends.Notice, limit int) (out []reason, more int) {
	index := map[string]int{}
	for _, n := range ns {
		for _, w := range n.Why {
			key := w.Filter + "\x00" + w.Stop
			i, ok := index[key]
			if !ok {
				i = len(out)
				index[key] = i
				out = append(out, reason{
					Filter: cleanLine(w.Filter, maxName), Sentence: cleanLine(w.Sentence, maxSentence),
					Link: safeLink(w.Link), Stop: safeLink(w.Stop),
				})
			}
			out[i].Count++
		}
	}
	slices.SortStableFunc(out, func(a, b reason) int { return cmp.Compare(b.Count, a.Count) })
	if len(out) > limit {
		return out[:limit], len(out) - limit
	}
	return out, 0
}

// filterNames are the filters that brought notices, for their line in a digest.
func filterNames(ns ...backends.Notice) string {
	var names []string
	for _, n := range ns {
		for _, w := range n.Why {
			name := cleanLine(w.Filter, maxName)
			if slices.Contains(names, name) {
				continue
			}
			if len(names) == 5 {
				return strings.Join(names, ", ") + ", …"
			}
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
