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

// filterNames are the filters that brought one notice, for its line in a digest.
func filterNames(n backends.Notice) string {
	var names []string
	for _, w := range n.Why[:min(len(n.Why), 5)] {
		names = append(names, cleanLine(w.Filter, maxName))
	}
	if more := len(n.Why) - len(names); more > 0 {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}
