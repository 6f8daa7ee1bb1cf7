package catalogue

import (
	"fmt"
	"slices"
	"strings"
)

// roots are first words of topics that begin with a project's name turned round, and an environment: the form
// <top-level domain>.<project>.<environment>.<application>.<what> of fedmsg.
var roots = []string{"org", "com", "net", "io", "edu", "gov", "info", "eu"}

// environments are the third words that tell a rooted topic whose first word is none of roots.
var environments = []string{"prod", "production", "stg", "stage", "staging", "dev", "devel", "test"}

// divide gives the parts of a topic: the root (org.fedoraproject), the environment (prod) and the tail, which is what
// patterns match and titles show. A topic without a root ("pagure.issue.new", as message schemas name them) is all tail.
func divide(topic string) (root, environment, tail string) {
	words := strings.SplitN(topic, ".", 4)
	switch {
	case len(words) == 4 && (slices.Contains(roots, words[0]) || slices.Contains(environments, words[2])):
		return words[0] + "." + words[1], words[2], words[3]
	case len(words) >= 3 && words[0] == "VirtualTopic": // ActiveMQ's form: VirtualTopic.<project>.<application>.<what>
		return "", "", strings.SplitN(topic, ".", 3)[2]
	}
	return "", "", topic
}

// maxWords bounds the words of a pattern and with them the work of finding an entry.
const maxWords = 16

// A pattern is a topic with captures: words that must stand there, {name} for any one word, {name=a|b} for one of
// several, {name...} at the end for one word or more. {} captures nothing.
type pattern struct {
	text     string
	words    []patternWord
	captured bool // some word is captured by a name
}

type patternWord struct {
	literals []string // what may stand here; nil: any word
	capture  string   // the name it gets, or ""
	rest     bool     // takes all words from here on
}

func parsePattern(text string) (pattern, error) {
	p := pattern{text: text}
	fixed, rest := text, patternWord{}
	if before, open := strings.CutSuffix(text, "...}"); open {
		i := strings.LastIndex(before, ".{")
		if i < 0 || !isCaptureName(before[i+2:]) {
			return p, fmt.Errorf("topic %q: want .{name...} as the last word", text)
		}
		fixed, rest = before[:i], patternWord{capture: before[i+2:], rest: true}
	}
	for _, word := range strings.Split(fixed, ".") {
		w, err := parseWord(word)
		if err != nil {
			return p, fmt.Errorf("topic %q: %w", text, err)
		}
		p.words = append(p.words, w)
	}
	if rest.rest {
		p.words = append(p.words, rest)
	}
	if p.words[0].literals == nil {
		return p, fmt.Errorf("topic %q: the first word is the application and cannot be a capture of any word", text)
	}
	p.captured = slices.ContainsFunc(p.words, func(w patternWord) bool { return w.capture != "" })
	if len(p.words) > maxWords {
		return p, fmt.Errorf("topic %q has more than %d words", text, maxWords)
	}
	return p, nil
}

func parseWord(word string) (patternWord, error) {
	inner, braced := strings.CutPrefix(word, "{")
	if !braced {
		if word == "" || strings.ContainsAny(word, "{}*# \t\r\n") {
			return patternWord{}, fmt.Errorf("%q is no word: want letters, {name}, {name=a|b} or, at the end, {name...}", word)
		}
		return patternWord{literals: []string{word}}, nil
	}
	inner, closed := strings.CutSuffix(inner, "}")
	name, choices, choice := strings.Cut(inner, "=")
	if !closed || !isCaptureName(name) {
		return patternWord{}, fmt.Errorf("%q is no capture: want {name} or {name=a|b}", word)
	}
	w := patternWord{capture: name}
	if choice {
		if w.literals = strings.Split(choices, "|"); slices.Contains(w.literals, "") {
			return w, fmt.Errorf("%q: want {name=one|other}", word)
		}
	}
	return w, nil
}

// captures gives the captured words of a topic that the pattern fits, by calling set for each.
func (p pattern) captures(words []string, set func(name, value string)) {
	for i, w := range p.words {
		switch {
		case w.capture == "":
		case w.rest:
			set(w.capture, strings.Join(words[i:], "."))
		default:
			set(w.capture, words[i])
		}
	}
}

func isCaptureName(s string) bool { return s == "" || isName(s) }

// isName tells the names that variables and captures can have.
func isName(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// fits says whether the pattern fits a topic's words.
func (p pattern) fits(words []string) bool {
	for i, w := range p.words {
		switch {
		case w.rest:
			return len(words) > i
		case i >= len(words) || w.literals != nil && !slices.Contains(w.literals, words[i]):
			return false
		}
	}
	return len(words) == len(p.words)
}
