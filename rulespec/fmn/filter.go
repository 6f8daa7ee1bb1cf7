package fmn

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec"
)

// A carried filter is one that is being made.
type carried struct {
	rulespec.FileFilter
	notes []Note
}

// off switches the filter off and says why.
func (c *carried) off(what, reason string) {
	c.On = false
	c.notes = append(c.notes, Note{Off: true, What: what, Reason: reason})
}

// instead puts a rule that never holds in the place of one that could not be carried over.
func (c *carried) instead(what, reason string) {
	c.off(what, reason)
	c.Rules = append(c.Rules, never(what))
}

// never is a rule that holds for no message, with the name of what it stands for.
func never(what string) rulespec.Rule {
	name := strings.Map(func(r rune) rune {
		if r > ' ' && r < unicode.MaxASCII && !strings.ContainsRune(`*?["\`, r) {
			return r
		}
		return '_'
	}, what)
	return one("topic", "pattern", "not-carried-over:"+name[:min(len(name), 100)])
}

// classic carries over one rule of classic FMN.
func (c *carried) classic(s *translator, r classicRule) {
	name, known := strings.CutPrefix(r.CodePath, "fmn.rules:")
	what := "rule " + shortened(name)
	if !known || name == "" {
		c.instead("rule "+shortened(r.CodePath), "it is no rule of FMN")
		return
	}
	args := arguments{}
	for key, value := range r.Arguments {
		switch text, ok := value.(string); {
		case value == nil:
		case ok:
			args[key] = text
		default:
			c.instead(what, "its argument `"+shortened(key)+"` is no text")
			return
		}
	}
	rules, reason := s.translate(name, args)
	if reason == "" {
		reason = wrong(rules)
	}
	if reason != "" {
		c.instead(what, reason)
		return
	}
	if name == "regex_filter" && !settled(args["pattern"]) {
		c.unsettled(what, r.Negated)
	}
	if r.Negated {
		c.negated(what, rules)
		return
	}
	c.Rules = append(c.Rules, rules...)
}

// unsettled says of a regular expression that it may find more or less here than in FMN. Where finding less is matching
// more, the filter is switched off.
func (c *carried) unsettled(what string, negated bool) {
	const reason = "FMN's JSON had blanks, and keys in the sender's order; what the expression finds may differ"
	if negated {
		c.off(what, reason)
		return
	}
	c.notes = append(c.notes, Note{What: what, Reason: reason})
}

// negated adds the negation of rules that must all hold. Of more than one it cannot be said in one filter; that one of
// them does not hold is less than what was asked, never more.
func (c *carried) negated(what string, rules []rulespec.Rule) {
	last := rules[len(rules)-1]
	last.Not = !last.Not
	if len(rules) > 1 {
		c.off(what, "the negation of several conditions cannot be said in one filter; only the last one is kept")
	}
	c.Rules = append(c.Rules, last)
}

// wrong says what is wrong with rules by our language, "" when nothing is.
func wrong(rules []rulespec.Rule) string {
	for _, r := range rules {
		_, err := rulespec.CompileRule(rulespec.Env{Owner: rulespec.Me}, r)
		var problem *rulespec.Error
		if errors.As(err, &problem) {
			return problem.Text()
		}
		if err != nil {
			return err.Error()
		}
	}
	return ""
}

// add takes a filter that is made, under a name that no other has.
func (m *importer) add(c *carried, name, fallback, medium string) {
	if len(c.Rules) > maxRules {
		c.Rules = nil
		c.instead("filter", fmt.Sprintf("it has more than %d rules", maxRules))
	}
	c.Rules = merged(c.Rules)
	if len(c.Rules) == 0 {
		c.instead("filter without rules", "FMN never matched it")
	}
	if !slices.ContainsFunc(c.Rules, func(r rulespec.Rule) bool { return !r.Not }) {
		c.off("filter of negated rules only", "it matches nearly the whole bus, which is now said with `everything`")
		c.Rules = append([]rulespec.Rule{{Kind: "everything"}}, c.Rules...)
	}
	if errs := rulespec.Check(m.env, c.Filter); len(errs) > 0 {
		c.Rules = nil
		var problem *rulespec.Error
		errors.As(errs[0], &problem)
		c.instead("filter", problem.Problem)
	}
	if m.joined(c, name) {
		return
	}
	c.Name = m.unique(name, fallback, medium)
	if c.Name != name {
		m.notes = append(m.notes,
			Note{Filter: c.Name, What: "name " + quoted(name), Reason: "names are unique here, in one line and not empty"})
	}
	for _, n := range c.notes {
		n.Filter = c.Name
		m.notes = append(m.notes, n)
	}
	m.file.Filters = append(m.file.Filters, c.FileFilter)
}

// joined adds the filter's destinations to another that says the same under the same name: FMN kept a filter for each
// medium. One that is used up by its first match stays by itself, as each medium had its own.
func (m *importer) joined(c *carried, name string) bool {
	if !c.On || c.Once {
		return false
	}
	for i := range m.file.Filters {
		f := &m.file.Filters[i]
		if f.Name == name && f.On && !f.Once && f.Owner == c.Owner && reflect.DeepEqual(f.Rules, c.Rules) {
			for _, to := range c.To {
				if !slices.Contains(f.To, to) {
					f.To = append(slices.Clone(f.To), to)
				}
			}
			return true
		}
	}
	return false
}

// merged joins the rules under not that differ only in what they name: not a and not b is none of a and b.
func merged(rules []rulespec.Rule) []rulespec.Rule {
	var out []rulespec.Rule
	for _, r := range rules {
		at := -1
		param := ""
		if kind := rulespec.LookupRuleKind(r.Kind); r.Not && kind != nil && len(r.Args) == 1 && len(kind.Params) > 0 &&
			kind.Params[0].Many {
			param = kind.Params[0].Name
			at = slices.IndexFunc(out, func(o rulespec.Rule) bool {
				return o.Not && o.Kind == r.Kind && len(o.Args) == 1 && len(o.Args[param])+len(r.Args[param]) <= rulespec.MaxValues
			})
		}
		switch {
		case slices.ContainsFunc(out, func(o rulespec.Rule) bool { return o.Not == r.Not && o.String() == r.String() }):
		case at < 0:
			out = append(out, r)
		default:
			joined := slices.Clone(out[at].Args[param])
			for _, v := range r.Args[param] {
				if !slices.Contains(joined, v) {
					joined = append(joined, v)
				}
			}
			out[at].Args = rulespec.Args{param: joined}
		}
	}
	return out
}

// unique gives a name that can be written down and that no filter has yet: that of a second medium says which.
func (m *importer) unique(name, fallback, medium string) string {
	base := text.OneLine(name)
	if base == "" {
		base = text.OneLine(fallback)
	}
	unique := start(base, rulespec.MaxValue-20)
	if m.names[unique] && medium != "" {
		base = start(base, rulespec.MaxValue-40) + " (" + start(text.OneLine(medium), 10) + ")"
		unique = base
	}
	for n := 2; m.names[unique]; n++ {
		unique = fmt.Sprintf("%s (%d)", start(base, rulespec.MaxValue-20), n)
	}
	m.names[unique] = true
	return unique
}

// start gives the start of a name, as a name.
func start(name string, most int) string { return strings.TrimSpace(text.CutBytes(name, most)) }

// shortened gives a name from the export as it may stand in a note.
func shortened(name string) string {
	return strings.Trim(quoted(name), `"`)
}

// printable says whether s may be a value in our text form.
func printable(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= rulespec.MaxValue && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, unicode.IsControl)
}
