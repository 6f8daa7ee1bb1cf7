package rulespec

import (
	"maps"
	"slices"

	"github.com/notifyd/notifyd/internal/text"
)

// unknown says that there is no such thing, and which one may have been meant.
func unknown(what, name string, known []string) string {
	s := "there is no " + what + " " + quoted(name)
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(name, k, distance); d < distance {
			best, distance = k, d
		}
	}
	switch {
	case best != "":
		return s + "; did you mean " + best + "?"
	case len(known) == 0:
		return s + "; it takes none"
	}
	return s + "; there is " + text.Series(known, "and")
}

// editDistance gives the Levenshtein distance of a and b (V. Levenshtein, 1966) in bytes; limit or more is given as limit.
func editDistance(a, b string, limit int) int {
	if len(a) > len(b)+limit || len(b) > len(a)+limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}

func ruleKindNames() []string {
	names := make([]string, len(RuleKinds))
	for i, k := range RuleKinds {
		names[i] = k.Name
	}
	return names
}

func paramNames(kind *RuleKind) []string {
	names := make([]string, len(kind.Params))
	for i, p := range kind.Params {
		names[i] = p.Name
	}
	return names
}

func sortedNames(args Args) []string { return slices.Sorted(maps.Keys(args)) }
