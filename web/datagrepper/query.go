package datagrepper

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/history"
)

// A query is a query of /raw, checked.
type query struct {
	form
	window
	selection history.Selection
	contains  []string
	page      int64
	rows      int64
	arguments arguments
}

// A form is how an answer is written.
type form struct {
	meta   []string
	size   string
	chrome bool
}

var sizes = []string{"small", "medium", "large", "extra-large"}

// form reads how the answer is written.
func (req *request) form() (f form, err error) {
	f = form{meta: req.all("meta"), size: "large", chrome: req.truth("chrome", true)}
	if size, given := req.first("size"); given {
		f.size = size
	}
	if !slices.Contains(sizes, f.size) {
		return f, badRequest("size must be in one of these: ['small', 'medium', 'large', 'extra-large']")
	}
	return f, checkMeta(f.meta)
}

// contains reads the stored text of messages, so it needs a scope: at most 224 days, and a topic or a category.
const containsMost = 8 * 4 * 7 * 24 * time.Hour

// The bounds on pages: datagrepper's own, and one on what is skipped.
const (
	mostRows = 100
	mostSkip = math.MaxInt32
)

// query reads the parameters, in the order in which datagrepper complains of them.
func (req *request) query() (q query, err error) {
	if q.window, err = req.window(); err != nil {
		return q, err
	}
	q.contains = req.all("contains")
	if len(q.contains) > 0 && at(q.start).Before(req.Now().Add(-containsMost)) {
		return q, badRequest("When using contains, specify a start at most eight months into the past")
	}
	if len(q.contains) > 0 && len(req.all("topic"))+len(req.all("category")) == 0 {
		return q, badRequest("When using contains, specify either a topic or a category as well")
	}
	if q.page, err = req.number("page", 1); err != nil {
		return q, err
	}
	if q.page < 1 {
		return q, badRequest("page must be > 0")
	}
	if q.rows, err = req.number("rows_per_page", 25); err != nil {
		return q, err
	}
	if q.rows > mostRows {
		return q, badRequest("rows_per_page must be <= 100")
	}
	if q.rows < 1 {
		return q, badRequest("rows_per_page must be > 0")
	}
	if (q.page-1)*q.rows > mostSkip {
		return q, badRequest("page is out of range")
	}
	order, given := req.first("order")
	if given && order != "desc" && order != "asc" {
		return q, badRequest("order must be either 'desc' or 'asc'")
	}
	if q.form, err = req.form(); err != nil {
		return q, err
	}
	q.selection = req.selection()
	q.selection.Since, q.selection.Until, q.selection.OldestFirst = at(q.start), at(q.end), order == "asc"
	q.arguments = req.arguments(q)
	return q, nil
}

// selection reads the names that the messages must have, and must not have.
func (req *request) selection() history.Selection {
	sel := history.Selection{Among: req.among,
		Users: req.choice("user"), Packages: req.choice("package"), Topics: req.choice("topic"),
		Categories: req.choice("category")}
	if !req.Old {
		sel.Actors = req.choice("agent")
	}
	return sel
}

func (req *request) choice(name string) history.Choice {
	return history.Choice{Any: req.values[name], None: req.values["not_"+name]}
}

// arguments are the parameters as they were understood, as answers name them, in their order there.
type arguments []argument

type argument struct {
	name  string
	value any
}

func (req *request) arguments(q query) arguments {
	order := "desc"
	if q.selection.OldestFirst {
		order = "asc"
	}
	a := arguments{{"start", float(q.start)}, {"delta", float(q.delta)}, {"end", float(q.end)}}
	kinds := []argument{{"users", "user"}, {"packages", "package"}, {"categories", "category"}, {"topics", "topic"}}
	if !req.Old {
		kinds = append(kinds, argument{"agents", "agent"})
	}
	for _, k := range kinds {
		a = append(a, argument{k.name, req.all(k.value.(string))})
	}
	a = append(a, argument{"contains", q.contains})
	for _, k := range kinds {
		a = append(a, argument{"not_" + k.name, req.all("not_" + k.value.(string))})
	}
	a = append(a, argument{"page", q.page}, argument{"rows_per_page", q.rows}, argument{"order", order},
		argument{"meta", q.meta})
	if req.Old {
		a = append(a, argument{"grouped", req.grouped()})
	}
	return a
}

// MarshalJSON writes the arguments in their order.
func (a arguments) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, one := range a {
		b.WriteByte("{,"[min(i, 1)])
		value, err := json.Marshal(one.value)
		if err != nil {
			return nil, err
		}
		b.WriteString(strconv.Quote(one.name) + ":")
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// grouped reports whether related messages are put together: datagrepper 1 no longer knows the parameter.
func (req *request) grouped() bool { return req.Old && req.truth("grouped", false) }
