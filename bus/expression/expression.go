// Package expression is the small language in which files say how a message is made of what came: of a webhook, or of
// a mail. An expression makes a text. It is total: whatever came, there is a result, its size is bounded, and so is
// the time, since patterns are those of RE2 (https://swtch.com/~rsc/regexp/regexp3.html).
//
// Text stands for itself. In braces stand places to look at, and after bars what to do with what is there:
//
//	github.{header X-GitHub-Event}
//	gitlab.{header X-Gitlab-Event | less " Hook"}
//	bitbucket.{header X-Event-Key | words}
//	discourse.{header X-Discourse-Event-Type}.{header X-Discourse-Event or header X-Discourse-Event-Type}
//	{header Subject | match "^\[Bug (\d+)\]" | else "0"}
//
// Which places there are is said by who reads the file (Kinds, Scope). Of places joined by "or" the first that has
// something counts, after the steps were done with it:
//
//   - less "TEXT" cuts a text off the end
//   - match "PATTERN" takes what the first group of the pattern that matches has, or without groups the whole match;
//     a value that does not match counts as nothing
//   - words allows several words of a topic, split at points, colons and slashes; without it a value is one word, so
//     that no value makes a topic of another shape
//   - list makes a list of the words in a value, split at white space and commas; list NAME one of {NAME: word}
//   - as "TEXT" is what counts instead of a value that is there
//   - else "TEXT" is what counts where no place has something
//
// In quotation marks a backslash before a quotation mark makes it part of the text; others stay as they are.
package expression

import (
	"fmt"
	"regexp"
	"strings"
)

// A Scope is what came, as an expression sees it.
type Scope interface {
	// Look gives what is at a place: a text, "" for none, or at some places a list ([]any).
	Look(kind, name string) any
}

// Kinds are the kinds of places that a file may name, such as header. True: a name follows, such as Subject.
type Kinds map[string]bool

// An Expression is one that was checked. The zero Expression gives no text.
type Expression struct{ pieces []piece }

type piece struct {
	text   string // where there are no places
	places []place
	steps  []step
	words  bool
	list   bool
	item   string // list NAME
	other  string // else
}

type place struct{ kind, name string }

// A step turns a value into another.
type step struct {
	less  string
	as    string
	match *regexp.Regexp
}

// maxSource is how long an expression may be.
const maxSource = 2000

// Parse checks an expression.
func Parse(source string, kinds Kinds) (Expression, error) {
	var e Expression
	if len(source) > maxSource {
		return e, fmt.Errorf("an expression of %d characters; at most %d were expected", len(source), maxSource)
	}
	for rest := source; rest != ""; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			e.pieces = append(e.pieces, piece{text: rest})
			break
		}
		if rest[open] == '}' {
			return e, fmt.Errorf("%q: a } without {", source)
		}
		if open > 0 {
			e.pieces = append(e.pieces, piece{text: rest[:open]})
		}
		tokens, length, err := scan(rest[open+1:])
		if err != nil {
			return e, fmt.Errorf("%q: %w", source, err)
		}
		p, err := parsePiece(tokens, kinds)
		if err != nil {
			return e, fmt.Errorf("{%s}: %w", strings.TrimSuffix(rest[open+1:open+1+length], "}"), err)
		}
		e.pieces = append(e.pieces, p)
		rest = rest[open+1+length:]
	}
	return e, nil
}

// A token is a word, a bar, or a text in quotation marks.
type token struct {
	text   string
	quoted bool
}

func (t token) is(word string) bool { return !t.quoted && t.text == word }

// scan reads what stands in braces, and gives its length with the closing one.
func scan(source string) (tokens []token, length int, err error) {
	for i := 0; i < len(source); {
		switch c := source[i]; c {
		case ' ', '\t', '\n':
			i++
		case '}':
			return tokens, i + 1, nil
		case '|':
			tokens = append(tokens, token{text: "|"})
			i++
		case '"':
			text, n := quoted(source[i+1:])
			if n == 0 {
				return nil, 0, fmt.Errorf(`a text without a closing "`)
			}
			tokens = append(tokens, token{text, true})
			i += 1 + n
		default:
			n := strings.IndexAny(source[i:], " \t\n|}\"")
			if n < 0 {
				n = len(source) - i
			}
			tokens = append(tokens, token{text: source[i : i+n]})
			i += n
		}
	}
	return nil, 0, fmt.Errorf("a { without }")
}

// quoted reads a text up to its closing quotation mark; n is 0 where there is none.
func quoted(source string) (text string, n int) {
	var b strings.Builder
	for i := 0; i < len(source); i++ {
		switch {
		case source[i] == '"':
			return b.String(), i + 1
		case source[i] == '\\' && i+1 < len(source) && source[i+1] == '"':
			i++
			b.WriteByte('"')
		default:
			b.WriteByte(source[i])
		}
	}
	return "", 0
}
