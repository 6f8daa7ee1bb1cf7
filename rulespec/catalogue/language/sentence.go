package language

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// maxRendered bounds what a sentence writes before it is cleaned, in bytes.
const maxRendered = 4096

// A Sentence is a compiled template: a summary, a link, an icon.
type Sentence struct {
	constant string                             // the whole sentence where it has no actions
	writers  []writer                           // nil where only text/template can render it
	library  func() (*template.Template, error) // the sentence as text/template renders it; nil where it is constant
	needs    []string                           // the variables it mentions
	loops    int                                // how many of its loops are nested at most
}

// CompileSentence compiles a text/template over the variables given. Paths into values never fail: {{.msg.a.b}} becomes
// a call, and is empty where the message has no such field.
func CompileSentence(src string, names map[string]bool) (*Sentence, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("sentence has %d bytes; at most %d", len(src), maxSource)
	}
	if !strings.Contains(src, "{{") {
		return &Sentence{constant: src}, nil
	}
	trees, err := parse.Parse("sentence", src, "", "", sentenceFunctions())
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: sentence:"))
	}
	tree := trees["sentence"]
	if len(trees) != 1 || tree == nil {
		return nil, errors.New("define and block are not available")
	}
	s := &sentenceChecker{names: names, needs: map[string]bool{}}
	s.list(tree.Root, true)
	if s.err != nil {
		return nil, s.err
	}
	out := &Sentence{needs: values.Keys(s.needs), loops: rangesIn(tree.Root)}
	out.library = sync.OnceValues(func() (*template.Template, error) {
		return template.New("sentence").Funcs(sentenceFunctions()).AddParseTree("sentence", tree)
	})
	if writers, ok := compileWriters(tree.Root, true); ok {
		out.writers = writers
	}
	return out, nil
}

// sentenceFunctions are the functions of sentences, made once.
var sentenceFunctions = sync.OnceValue(func() template.FuncMap {
	m := template.FuncMap{"field": func(v any, keys ...string) any {
		for _, key := range keys {
			v = values.Field(v, key)
		}
		if v == nil {
			return ""
		}
		return v
	},
		"and": andFunction, "or": orFunction, "not": notFunction,
	}
	for _, f := range functions {
		if !f.Pattern && !f.Accounts {
			m[f.Name] = f.call
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

// errFull stops a template that writes more than anyone reads.
var errFull = errors.New("sentence is too long")

type limited struct{ strings.Builder }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxRendered {
		l.Builder.WriteString(text.CutBytes(string(p), max(maxRendered-l.Len(), 0)))
		return 0, errFull
	}
	return l.Builder.Write(p)
}

// Needs gives the variables that the sentence mentions, sorted.
func (s *Sentence) Needs() []string { return s.needs }

// Render writes the sentence over the variables of a scope. What is too long is cut, and what is missing is NoValue. It
// fails with ErrSteps where the message has used up its steps: half a sentence may say the contrary of the whole.
func (s *Sentence) Render(sc *Scope) (string, error) {
	sc.holes = sc.holes[:0]
	switch {
	case s.library == nil:
		return s.constant, nil
	case s.writers != nil && !byLibrary:
		sc.out = sc.out[:0]
		before := sc.refused
		if writeAll(sc, s.writers, &sc.out); sc.refused > before {
			return "", ErrSteps
		}
		return text.CutBytes(string(sc.out), maxRendered), nil
	case !sc.library(s.loops):
		return "", ErrSteps
	}
	tmpl, err := s.library()
	if err != nil {
		return "", fmt.Errorf("render sentence: %w", err)
	}
	sc.need(s.needs)
	var out limited
	if err := tmpl.Execute(&out, sc.known); err != nil && !errors.Is(err, errFull) {
		return "", fmt.Errorf("render sentence: %w", err)
	}
	return out.String(), nil
}
