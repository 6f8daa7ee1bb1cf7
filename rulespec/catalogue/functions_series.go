package catalogue

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

func joinFunction(args ...any) (any, error) {
	return text.CutBytes(strings.Join(appendTexts(nil, listOf(args[0]), 0), textOf(args[1])), maxText), nil
}

func sortFunction(args ...any) (any, error) {
	var out []any
	for _, s := range sortedTexts(args[0]) {
		out = append(out, s)
	}
	return out, nil
}

func sortedTexts(v any) []string {
	texts := appendTexts(nil, listOf(v), 0)
	slices.Sort(texts)
	return slices.Compact(texts)
}

// seriesFunction writes "a, b and c".
func seriesFunction(args ...any) (any, error) {
	names := sortedTexts(args[0])
	if limit := optional(args, 1, len(names)); limit > 0 && len(names) > limit {
		names = append(names[:limit:limit], text.Plural(len(names)-limit, "other", "others"))
	}
	return text.CutBytes(text.Series(names, "and"), maxText), nil
}

func pluralFunction(args ...any) (any, error) {
	n := args[0]
	if _, isNumber := number(n); !isNumber {
		n = len(listOf(n))
	}
	word := textOf(args[2])
	if equal(n, 1) {
		word = textOf(args[1])
	}
	return textOf(n) + " " + word, nil
}
