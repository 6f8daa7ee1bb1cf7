package suggest

import (
	"slices"
	"strings"
)

// guarded gives candidates that are right in some messages and wrong in others with a condition that tells these apart,
// by what a field beside it says: a repository is a package's where its namespace is rpms.
func (f *fields) guarded(wanted [][]string, among []*candidate) []*candidate {
	var out []*candidate
	for _, c := range among {
		right, wrong := sides(c, wanted)
		if c.path.list != "" || len(right) == 0 || len(wrong) == 0 {
			continue
		}
		for _, p := range f.paths {
			if !beside(c.path, p) {
				continue
			}
			if when := f.condition(p, right, wrong); when != "" {
				if g := f.withGuard(c, when); g != nil {
					out = append(out, g)
				}
				break
			}
		}
	}
	return out
}

// sides gives the messages in which a candidate finds only what is wanted, and those in which it finds something else.
func sides(c *candidate, wanted [][]string) (right, wrong []int) {
	for i, names := range c.names {
		switch {
		case len(names) == 0:
		case slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(wanted[i], name) }):
			wrong = append(wrong, i)
		default:
			right = append(right, i)
		}
	}
	return right, wrong
}

// beside says whether a path leads to another field of the same object.
func beside(of, p *path) bool {
	last := len(p.keys) - 1
	return p.list == "" && p != of && len(p.keys) == len(of.keys) && slices.Equal(p.keys[:last], of.keys[:last])
}

// condition gives an expression that holds for the right messages and for none of the wrong ones, by the texts of a
// field; "" for none.
func (f *fields) condition(p *path, right, wrong []int) string {
	const most = 3
	texts := func(messages []int) []string {
		var out []string
		for _, i := range messages {
			out = append(out, f.nameAt(p, i))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	yes, no := texts(right), texts(wrong)
	if slices.ContainsFunc(yes, func(s string) bool { return slices.Contains(no, s) }) {
		return ""
	}
	switch {
	case len(yes) <= most && !slices.Contains(yes, ""):
		return "text(" + p.expression + ") in " + quotedList(yes)
	case len(no) <= most && !slices.Contains(no, ""):
		return "not (text(" + p.expression + ") in " + quotedList(no) + ")"
	}
	return ""
}

func quotedList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, s := range texts {
		quoted[i] = quoteExpression(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func (f *fields) withGuard(c *candidate, when string) *candidate {
	g := *c
	g.when = when
	return f.tried(&g)
}
