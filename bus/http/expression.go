package http

import (
	"encoding/json"
	"fmt"
	nethttp "net/http"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// An expression makes a text of a delivery. It is total: whatever the delivery is, there is a result, and its size is
// bounded. Text stands for itself, and in braces stand places to look at:
//
//	github.{header X-GitHub-Event}
//	gitlab.{header X-Gitlab-Event | less " Hook"}
//	bitbucket.{header X-Event-Key | words}
//	discourse.{header X-Discourse-Event-Type}.{header X-Discourse-Event or header X-Discourse-Event-Type}
//	jenkins.build.{body build.phase}
//
// header is a header of the request, body a text, number or truth value in the JSON, by its path. Of places joined by
// "or" the first that has something counts. less cuts a text off the end. words allows several words of a topic, split
// at points, colons and slashes; without it a value is one word, so that no value makes a topic of another shape.
type expression []piece

type piece struct {
	text   string // where there are no places
	places []place
	less   string
	words  bool
}

type place struct{ header, path string }

func parseExpression(source string) (expression, error) {
	var e expression
	for source != "" {
		before, rest, found := strings.Cut(source, "{")
		if strings.Contains(before, "}") {
			return nil, fmt.Errorf("%q: a } without {", source)
		}
		if before != "" {
			e = append(e, piece{text: before})
		}
		if !found {
			break
		}
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%q: a { without }", source)
		}
		p, err := parsePiece(inner)
		if err != nil {
			return nil, err
		}
		e = append(e, p)
		source = after
	}
	return e, nil
}

func parsePiece(inner string) (p piece, err error) {
	steps := strings.Split(inner, "|")
	for alternative := range strings.SplitSeq(steps[0], " or ") {
		kind, name, _ := strings.Cut(strings.TrimSpace(alternative), " ")
		switch {
		case name == "" || kind != "header" && kind != "body":
			return p, fmt.Errorf("{%s}: header NAME or body PATH was expected", inner)
		case kind == "header":
			p.places = append(p.places, place{header: name})
		default:
			p.places = append(p.places, place{path: name})
		}
	}
	for _, step := range steps[1:] {
		name, argument, _ := strings.Cut(strings.TrimSpace(step), " ")
		switch {
		case name == "words" && argument == "":
			p.words = true
		case name == "less" && len(argument) > 2 && argument[0] == '"' && argument[len(argument)-1] == '"':
			p.less = argument[1 : len(argument)-1]
		default:
			return p, fmt.Errorf(`{%s}: words or less "TEXT" was expected`, inner)
		}
	}
	return p, nil
}

// value gives the text of a piece; "" where no place has one.
func (p piece) value(h nethttp.Header, body any) string {
	for _, at := range p.places {
		v := h.Get(at.header)
		if at.path != "" {
			v = lookUp(body, at.path)
		}
		if v = strings.TrimSuffix(v, p.less); v != "" {
			return v
		}
	}
	return ""
}

// lookUp gives the scalar at a path as text; "" for none.
func lookUp(v any, path string) string {
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return string(v)
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

const (
	maxWord  = 64
	maxWords = 4
	noWord   = "unknown"
	wordEnds = ".:/"
)

// topic gives the expression's topic: each value is a word, or some, of a-z, 0-9, _ and -.
func (e expression) topic(h nethttp.Header, body any) string {
	var b strings.Builder
	for _, p := range e {
		if p.places == nil {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(p.topic(p.value(h, body)))
	}
	return b.String()
}

func (p piece) topic(value string) string {
	if !p.words {
		return word(value)
	}
	var words []string
	for w := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune(wordEnds, r) }) {
		if words = append(words, word(w)); len(words) == maxWords {
			break
		}
	}
	if words == nil {
		return noWord
	}
	return strings.Join(words, ".")
}

// word makes one word of a topic.
func word(value string) string {
	if value == "" {
		return noWord
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, text.CutBytes(value, maxWord))
}

// text gives the expression's text, without control characters; "" where a value is missing.
func (e expression) text(h nethttp.Header, body any) string {
	var b strings.Builder
	for _, p := range e {
		if p.places == nil {
			b.WriteString(p.text)
			continue
		}
		v := plain(p.value(h, body))
		if v == "" {
			return ""
		}
		b.WriteString(v)
	}
	return b.String()
}

// plain makes one line of a value.
func plain(value string) string { return text.OneLine(value) }
