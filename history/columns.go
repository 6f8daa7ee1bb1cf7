package history

import (
	"slices"
	"strings"
)

// A messageColumn is one of the table messages.
type messageColumn struct {
	name string
	of   func(*messageRow) any
	rare bool // in most rows it has its default, which is "" or false
}

var columns = []messageColumn{
	{"msg_id", func(r *messageRow) any { return r.MsgID }, false},
	{"source", func(r *messageRow) any { return r.Source }, false},
	{"topic", func(r *messageRow) any { return r.Topic }, false},
	{"app", func(r *messageRow) any { return r.App }, false},
	{"kind", func(r *messageRow) any { return r.Kind }, false},
	{"title", func(r *messageRow) any { return r.Title }, false},
	{"summary", func(r *messageRow) any { return r.Summary }, false},
	{"link", func(r *messageRow) any { return r.Link }, false},
	{"sent_at", func(r *messageRow) any { return r.SentAt }, false},
	{"received_at", func(r *messageRow) any { return r.ReceivedAt }, false},
	{"size", func(r *messageRow) any { return r.Size }, false},
	{"payload", func(r *messageRow) any { return r.Payload }, false},
	{"content_hash", func(r *messageRow) any { return r.ContentHash }, false},
	{"verdict", func(r *messageRow) any { return r.Verdict }, false},
	{"category", func(r *messageRow) any { return r.Category }, false},
	{"common_id", func(r *messageRow) any { return r.CommonID }, true},
	{"claimed_id", func(r *messageRow) any { return r.ClaimedID }, true},
	{"signer", func(r *messageRow) any { return r.Signer }, true},
	{"method", func(r *messageRow) any { return r.Method }, true},
	{"reason", func(r *messageRow) any { return r.Reason }, true},
	{"marked", func(r *messageRow) any { return r.Marked }, true},
	{"late", func(r *messageRow) any { return r.Late }, true},
}

// columnsOf returns the columns that rows need: a statement is parsed anew each time, so its length counts.
func (a *appending) columnsOf(part []int) []messageColumn {
	return slices.DeleteFunc(slices.Clone(columns), func(c messageColumn) bool {
		return c.rare && !slices.ContainsFunc(part, func(i int) bool {
			v := c.of(&a.rows[i])
			return v != "" && v != false
		})
	})
}

func joinNames(columns []messageColumn) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// tuple returns n parameters in brackets.
func tuple(n int) string { return "(?" + strings.Repeat(", ?", n-1) + ")" }
