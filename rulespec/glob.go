package rulespec

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A glob is a compiled pattern over a whole name: * matches any characters, none and dots included, ? matches one, and
// [abc], [a-z] and [!a] match one of a class. A backslash matches itself. It is the fnmatch of Python's standard
// library, as people bring patterns from there.
type glob struct {
	literal string // the whole pattern when it has no wildcard
	parts   []part // nil when it has none
}

// A part matches one character, or is a star.
type part struct {
	what partKind
	char rune
	neg  bool
	in   []span // sorted as written
}

type partKind uint8

const (
	partChar partKind = iota
	partAny
	partStar
	partClass
)

// A span is a range of characters of a class, both ends included.
type span struct{ from, to rune }

// compileGlob compiles pattern; wrong describes why it cannot.
func compileGlob(pattern string) (g *glob, wrong string) {
	if !strings.ContainsAny(pattern, "*?[") {
		return &glob{literal: pattern}, ""
	}
	g = &glob{}
	for rest := pattern; rest != ""; {
		char, size := utf8.DecodeRuneInString(rest)
		p := part{what: partChar, char: char}
		switch char {
		case '*':
			p.what = partStar
		case '?':
			p.what = partAny
		case '[':
			if p, size, wrong = compileClass(rest); wrong != "" {
				return nil, wrong
			}
		}
		rest = rest[size:]
		// Two stars in a row match what one does, and cost more.
		if n := len(g.parts); p.what == partStar && n > 0 && g.parts[n-1].what == partStar {
			continue
		}
		g.parts = append(g.parts, p)
	}
	return g, ""
}

// compileClass compiles the class at the start of text and returns its length in bytes. A ] in first place is a member.
func compileClass(text string) (p part, size int, wrong string) {
	p = part{what: partClass}
	rest := text[1:]
	if after, ok := strings.CutPrefix(rest, "!"); ok {
		p.neg, rest = true, after
	}
	for first := true; ; first = false {
		if rest == "" {
			return p, 0, "a [ has no ]; a [ that stands for itself is written [[]"
		}
		from, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
		if from == ']' && !first {
			return p, len(text) - len(rest), ""
		}
		to := from
		if after, ok := strings.CutPrefix(rest, "-"); ok && after != "" && after[0] != ']' {
			to, n = utf8.DecodeRuneInString(after)
			rest = after[n:]
		}
		if from > to {
			return p, 0, "the range " + quoted(string(from)+"-"+string(to)) + " runs backwards"
		}
		p.in = append(p.in, span{from, to})
	}
}

// match reports whether the whole of name matches. It takes at most len(pattern) * len(name) steps, because after a
// failure only the last star is made one character longer.
func (g *glob) match(name string) bool {
	if g.parts == nil {
		return name == g.literal
	}
	at, i := 0, 0              // in the parts, in the name
	afterStar, resume := -1, 0 // where to go on when what follows the last star fails
	for i < len(name) {
		char, size := utf8.DecodeRuneInString(name[i:])
		switch {
		case at < len(g.parts) && g.parts[at].what == partStar:
			at++
			afterStar, resume = at, i
		case at < len(g.parts) && g.parts[at].takes(char):
			at++
			i += size
		case afterStar >= 0:
			_, size := utf8.DecodeRuneInString(name[resume:])
			resume += size
			at, i = afterStar, resume
		default:
			return false
		}
	}
	for at < len(g.parts) && g.parts[at].what == partStar {
		at++
	}
	return at == len(g.parts)
}

func (p *part) takes(char rune) bool {
	switch p.what {
	case partAny:
		return true
	case partChar:
		return p.char == char
	}
	in := slices.ContainsFunc(p.in, func(s span) bool { return s.from <= char && char <= s.to })
	return in != p.neg
}

// longest returns the longest run of characters that match themselves.
func (g *glob) longest() string {
	if g.parts == nil {
		return g.literal
	}
	var longest, run []byte
	for _, p := range g.parts {
		if p.what != partChar {
			run = run[:0]
			continue
		}
		if run = utf8.AppendRune(run, p.char); len(run) > len(longest) {
			longest = append(longest[:0], run...)
		}
	}
	return string(longest)
}
