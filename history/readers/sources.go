package readers

import (
	"context"
	"slices"
	"strings"
)

// Sources says of which sources messages may be seen. The zero value: of all.
type Sources struct {
	Only  bool     // of none but those of Names; otherwise of all but those
	Names []string // sorted
}

// None are the Sources of somebody who may see nothing.
func None() Sources { return Sources{Only: true} }

// All reports whether every message may be seen.
func (s Sources) All() bool { return !s.Only && len(s.Names) == 0 }

// Nothing reports whether no message may be seen.
func (s Sources) Nothing() bool { return s.Only && len(s.Names) == 0 }

// Has reports whether messages of that source may be seen.
func (s Sources) Has(source string) bool { return slices.Contains(s.Names, source) == s.Only }

// Key names the Sources: two that are equal have one key.
func (s Sources) Key() string {
	if s.Only {
		return "only\x00" + strings.Join(s.Names, "\x00")
	}
	return strings.Join(s.Names, "\x00")
}

// SQL gives the condition that the source in a column is one of these, with its arguments; "" where it always is.
func (s Sources) SQL(column string) (condition string, args []any) {
	switch {
	case s.All():
		return "", nil
	case s.Nothing():
		return "1 = 0", nil
	case s.Only:
		return column + " IN ?", []any{s.Names}
	}
	return column + " NOT IN ?", []any{s.Names}
}

// inContext is the key of Sources in a context.
type inContext struct{}

// With says of which sources the one who asks may see messages.
func With(ctx context.Context, s Sources) context.Context {
	return context.WithValue(ctx, inContext{}, s)
}

// From returns what With has said. said is false where it was not called: nobody knows who asks.
func From(ctx context.Context) (s Sources, said bool) {
	s, said = ctx.Value(inContext{}).(Sources)
	return s, said
}
