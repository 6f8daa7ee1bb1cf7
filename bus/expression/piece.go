package expression

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// parsePiece reads what stands in braces: places, and steps behind bars.
func parsePiece(tokens []token, kinds Kinds) (p piece, err error) {
	parts := split(tokens, "|")
	for _, alternative := range split(parts[0], "or") {
		at, err := parsePlace(alternative, kinds)
		if err != nil {
			return p, err
		}
		p.places = append(p.places, at)
	}
	for _, part := range parts[1:] {
		if err := p.step(part); err != nil {
			return p, err
		}
	}
	return p, nil
}

// split cuts tokens at a word. There is always one part at least.
func split(tokens []token, at string) (parts [][]token) {
	for {
		i := slices.IndexFunc(tokens, func(t token) bool { return t.is(at) })
		if i < 0 {
			return append(parts, tokens)
		}
		parts, tokens = append(parts, tokens[:i]), tokens[i+1:]
	}
}

// parsePlace reads a kind, and the words of its name.
func parsePlace(tokens []token, kinds Kinds) (place, error) {
	var words []string
	for _, t := range tokens {
		if t.quoted {
			return place{}, fmt.Errorf("%q: a place to look at was expected", t.text)
		}
		words = append(words, t.text)
	}
	if len(words) > 0 {
		named, known := kinds[words[0]]
		if known && named == (len(words) > 1) {
			return place{words[0], strings.Join(words[1:], " ")}, nil
		}
	}
	return place{}, fmt.Errorf("%s was expected", kinds.expected())
}

// expected names the kinds as they are written.
func (k Kinds) expected() string {
	var forms []string
	for _, kind := range slices.Sorted(maps.Keys(k)) {
		if k[kind] {
			kind += " NAME"
		}
		forms = append(forms, kind)
	}
	return strings.Join(forms, " or ")
}

var errStep = errors.New(`after a bar was expected: words, list, list NAME, less "TEXT", match "PATTERN", as "TEXT" or else "TEXT"`)

// step reads a step, and adds it.
func (p *piece) step(tokens []token) error {
	if len(tokens) == 0 || tokens[0].quoted || len(tokens) > 2 {
		return errStep
	}
	bare := len(tokens) == 1
	text := len(tokens) == 2 && tokens[1].quoted
	switch name := tokens[0].text; {
	case name == "words" && bare:
		p.words = true
	case name == "list" && bare:
		p.list = true
	case name == "list" && !text:
		p.list, p.item = true, tokens[1].text
	case name == "less" && text && tokens[1].text != "":
		p.steps = append(p.steps, step{less: tokens[1].text})
	case name == "as" && text && tokens[1].text != "":
		p.steps = append(p.steps, step{as: tokens[1].text})
	case name == "else" && text && tokens[1].text != "":
		p.other = tokens[1].text
	case name == "match" && text:
		pattern, err := regexp.Compile(tokens[1].text)
		if err != nil {
			return fmt.Errorf("match %q: %w", tokens[1].text, err)
		}
		p.steps = append(p.steps, step{match: pattern})
	default:
		return errStep
	}
	return nil
}

// maxMatched is how much of a value a pattern is asked about.
const maxMatched = 64 << 10

// do does the step.
func (s step) do(value string) string {
	switch {
	case value == "":
		return ""
	case s.as != "":
		return s.as
	case s.match == nil:
		return strings.TrimSuffix(value, s.less)
	}
	found := s.match.FindStringSubmatch(value[:min(len(value), maxMatched)])
	for i, group := range found {
		if i > 0 && group != "" {
			return group
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return ""
}
