package language

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/template/parse"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// maxRendered bounds what a sentence writes before it is cleaned, in bytes.
const maxRendered = 4096

// A Sentence is a compiled template: a summary, a link, an icon.
type Sentence struct {
	constant string   // the whole sentence where it has no actions
	writers  []writer // nil where it is constant
	needs    []string // the variables it mentions
	link     bool     // its values are parts of a URL
}

// CompileSentence compiles a sentence over the variables given, in the syntax of text/template, which only parses it.
// Paths into values never fail: {{.msg.a.b}} is empty where the message has no such field. [ … ] is an optional part:
// it goes where an action in it prints nothing.
func CompileSentence(src string, names map[string]bool) (*Sentence, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("sentence has %d bytes; at most %d", len(src), maxSource)
	}
	marked, err := withClauses(src)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(marked, "{{") {
		return &Sentence{constant: src}, nil
	}
	trees, err := parse.Parse("sentence", marked, "", "", sentenceFunctions())
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: sentence:"))
	}
	tree := trees["sentence"]
	if len(trees) != 1 || tree == nil {
		return nil, errors.New("define and block are not available")
	}
	s := &sentenceChecker{names: names, needs: map[string]bool{}, sources: map[parse.Node]string{}}
	s.list(tree.Root, true)
	if s.err != nil {
		return nil, s.err
	}
	w := &writerCompiler{sources: s.sources}
	out := &Sentence{needs: values.Keys(s.needs), writers: w.list(tree.Root, true)}
	return out, w.err
}

// CompileLink compiles a sentence that gives a URL. Its values are written as they are.
func CompileLink(src string, names map[string]bool) (*Sentence, error) {
	s, err := CompileSentence(src, names)
	if err == nil {
		s.link = true
	}
	return s, err
}

// sentenceFunctions are the names that the parser lets a sentence call.
var sentenceFunctions = sync.OnceValue(func() map[string]any {
	m := map[string]any{clauseFunction: true}
	for name := range builtins {
		m[name] = true
	}
	for _, f := range functions {
		if !f.Pattern {
			m[f.Name] = true
		}
	}
	return m
})

// builtins are the functions of sentences beside those of the table. The functions of text/template (printf with its
// widths, call, js, …) are refused. and, or and not are our own, because a 0 from JSON must count as nothing.
var builtins = map[string]bool{"and": true, "or": true, "not": true, "field": true}

func andFunction(args ...any) (any, error) {
	var v any = true
	for _, v = range args {
		if !values.Truthy(v) {
			return v, nil
		}
	}
	return v, nil
}

func orFunction(args ...any) (any, error) { return firstFunction(args...) }

func notFunction(args ...any) (any, error) { return len(args) == 1 && !values.Truthy(args[0]), nil }

// Needs gives the variables that the sentence mentions, sorted.
func (s *Sentence) Needs() []string { return s.needs }

// Render writes the sentence over the variables of a scope. What is too long is cut, and what is missing leaves a hole:
// see [Scope.Whole] and [Scope.Mended]. It fails with ErrSteps where the message has used up its steps: half a sentence
// may say the contrary of the whole.
func (s *Sentence) Render(sc *Scope) (string, error) {
	sc.out, sc.holes, sc.spans, sc.left, sc.link = sc.out[:0], sc.holes[:0], sc.spans[:0], nil, s.link
	if s.writers == nil {
		sc.out = append(sc.out, s.constant...)
		return s.constant, nil
	}
	before := sc.refused
	if writeAll(sc, s.writers); sc.refused > before {
		return "", ErrSteps
	}
	return text.CutBytes(string(sc.out), maxRendered), nil
}

// Text gives the sentence that was rendered last.
func (sc *Scope) Text() string { return text.CutBytes(string(sc.out), maxRendered) }

// Silent reports whether the sentence that was rendered last wants to show something of the message, and does not.
func (sc *Scope) Silent() bool { return len(sc.spans) == 0 && len(sc.holes) > 0 }

// Whole reports whether the sentence that was rendered last has no hole.
func (sc *Scope) Whole() bool { return len(sc.holes) == 0 }

// LeftOut gives the parts of the sentence that was rendered last for which the message has nothing, as the template has
// them.
func (sc *Scope) LeftOut() []string {
	out := slices.Clone(sc.left)
	for _, h := range sc.holes {
		out = append(out, h.source)
	}
	return out
}
