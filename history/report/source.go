package report

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/internal/yamltext"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Mistake is what is wrong with a file, with its line and column.
type Mistake = catalogue.Mistake

// maxMistakes is how many mistakes of a file are reported.
const maxMistakes = 50

// namePattern is what a report may be called: its name stands in addresses and in the List-Id of mails.
var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// Parse reads a report and checks it. The error joins a *Mistake for each mistake.
func Parse(env rulespec.Env, file string, source []byte) (*Report, error) {
	root, err := yamltext.Parse(source, yamltext.Bounds{Bytes: maxFile, Nesting: 20})
	var wrong *yamltext.Error
	switch {
	case errors.As(err, &wrong):
		return nil, &Mistake{File: file, Line: wrong.Line, Column: wrong.Column, Problem: wrong.Problem}
	case err != nil:
		return nil, &Mistake{File: file, Problem: err.Error()}
	case root == nil:
		return nil, &Mistake{File: file, Problem: "the file is empty; want the keys report, title and sections"}
	}
	p := &parser{file: file, env: env, names: map[string]bool{}, out: &Report{
		Source: string(source), Zone: time.UTC, Window: Window{Days: 7}, vars: map[string]*language.Expression{}}}
	p.Report = p.wrong
	for _, name := range given {
		p.names[name] = true
	}
	p.report(root)
	if len(p.mistakes) > 0 {
		return nil, errors.Join(p.mistakes...)
	}
	return p.out, nil
}

// A parser walks the tree of a file and collects the mistakes.
type parser struct {
	yamltext.Reader
	file     string
	env      rulespec.Env
	names    map[string]bool // that expressions may mention
	out      *Report
	mistakes []error
}

func (p *parser) wrong(at yamltext.Position, problem string) {
	if len(p.mistakes) < maxMistakes {
		p.mistakes = append(p.mistakes, &Mistake{File: p.file, Line: at.Line, Column: at.Column, Problem: problem})
	}
}

func (p *parser) fail(n ast.Node, format string, args ...any) {
	p.wrong(yamltext.PositionOf(n), fmt.Sprintf(format, args...))
}

var reportKeys = []string{"report", "title", "about", "window", "zone", "rules", "vars", "sections", "template"}

// pairs gives the entries of a mapping that has no other keys than these.
func (p *parser) pairs(n ast.Node, what string, keys []string) []yamltext.Entry {
	return slices.DeleteFunc(p.Mapping(n, what+" is a mapping with the keys "+strings.Join(keys, ", ")),
		func(e yamltext.Entry) bool {
			if slices.Contains(keys, e.Key) {
				return false
			}
			p.fail(e.Node, "unknown key %q; want one of %s", e.Key, strings.Join(keys, ", "))
			return true
		})
}

func (p *parser) report(root ast.Node) {
	sections := false
	entries := p.pairs(root, "a report", reportKeys)
	for _, e := range entries { // first what the others need
		if e.Key == "vars" {
			p.vars(e.Value)
		}
	}
	for _, e := range entries {
		switch e.Key {
		case "report":
			if p.out.Name = p.line(e, 40); p.out.Name != "" && !namePattern.MatchString(p.out.Name) {
				p.fail(e.Value, "%q is no name: want small letters, digits and -, at most 40", p.out.Name)
			}
		case "title":
			p.out.Title = p.line(e, maxTitle)
		case "about":
			p.out.About = p.line(e, maxAbout)
		case "window":
			p.window(e)
		case "zone":
			p.zone(e)
		case "rules":
			p.out.rules = p.rules(e.Value)
		case "sections":
			sections = true
			p.sections(e)
		case "template":
			p.template(e.Value)
		}
	}
	for key, missing := range map[string]bool{"report": p.out.Name == "", "title": p.out.Title == "",
		"sections": !sections} {
		if missing && len(p.mistakes) == 0 {
			p.fail(root, "the key %q is missing", key)
		}
	}
}

// line reads a text of one line, or a block that becomes one.
func (p *parser) line(e yamltext.Entry, most int) string {
	s, ok := p.Text(e.Value, e.Key+" is a text")
	s = text.OneLine(s)
	if ok && s == "" {
		p.fail(e.Value, "%s is empty", e.Key)
	}
	if n := len([]rune(s)); n > most {
		p.fail(e.Value, "%s has %d characters; at most %d", e.Key, n, most)
	}
	return s
}

// block reads a text as it is written, but for the line ends behind it.
func (p *parser) block(e yamltext.Entry) (string, bool) {
	s, ok := p.Text(e.Value, e.Key+" is a text")
	return strings.TrimRight(s, "\n"), ok
}

func (p *parser) window(e yamltext.Entry) {
	s := p.line(e, 20)
	w, err := ParseWindow(s)
	if s != "" && err != nil {
		p.fail(e.Value, "window: %q; %v", s, err)
	}
	p.out.Window = w
}

func (p *parser) zone(e yamltext.Entry) {
	name := p.line(e, 60)
	zone, err := time.LoadLocation(name)
	if name == "" || err != nil || name == "Local" {
		p.fail(e.Value, "zone: %q is no time zone; want one such as Europe/Berlin", name)
		return
	}
	p.out.Zone = zone
}

func (p *parser) rules(n ast.Node) []rulespec.Rule {
	rules := rulespec.ReadRules(p.env, n, p.wrong)
	for _, r := range rules {
		for _, args := range r.Args {
			if slices.Contains(args, rulespec.Me) {
				p.fail(n, "%s stands for the owner of a filter, and a report has none", rulespec.Me)
			}
		}
	}
	return rules
}

func (p *parser) vars(n ast.Node) {
	entries := p.Mapping(n, "vars is a mapping of names to expressions")
	if len(entries) > maxVars {
		p.fail(n, "%d vars; at most %d", len(entries), maxVars)
		return
	}
	for _, e := range entries {
		_, taken := fields[e.Key]
		switch {
		case !values.IsIdentifier(e.Key):
			p.fail(e.Node, "%q is no name: want a letter, then letters, digits and _", e.Key)
			continue
		case taken || p.names[e.Key] || language.IsFunction(e.Key):
			p.fail(e.Node, "%q is a name that is given already", e.Key)
			continue
		}
		if x := p.expression(e); x != nil {
			p.out.vars[e.Key] = x
		}
		p.names[e.Key] = true
	}
}

// expression compiles an expression. It may mention the vars above it.
func (p *parser) expression(e yamltext.Entry) *language.Expression {
	source, ok := p.block(e)
	if !ok {
		return nil
	}
	x, err := language.Compile(source, p.names)
	if err != nil {
		p.fail(e.Value, "%s: %v", e.Key, err)
		return nil
	}
	return x
}

// number reads a whole number between 1 and most.
func (p *parser) number(e yamltext.Entry, most int) int {
	s, _ := p.Text(e.Value, e.Key+" is a number")
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		p.fail(e.Value, "%s: %q; want a number between 1 and %d", e.Key, s, most)
		return 1
	}
	return n
}

func (p *parser) truth(e yamltext.Entry) bool {
	b, ok := e.Value.(*ast.BoolNode)
	if !ok {
		p.fail(e.Value, "%s is true or false", e.Key)
		return false
	}
	return b.Value
}
