// Package yamltext reads YAML that people write, strictly, and knows the line and column of everything in it.
//
// Every YAML file of the program comes in through here: the configuration, filters, the directory and the catalogue.
// What they have in common is that a person wrote them and wants to know which line is wrong, and that the person may
// be a stranger, so no text may cost more than its bounds allow.
//
// # The idea
//
// [Parse] turns a text into the tree of its one document. The tree is that of github.com/goccy/go-yaml/ast; what this
// package adds is how to walk it:
//
//   - [PositionOf] says where a node is, the first character of a mapping or a scalar.
//   - [Text] gives a scalar as it is written. YAML makes a number of 0123 and a float of 1.10; where a text is
//     expected, such as a password or a package's name, they are the texts "0123" and "1.10".
//   - [Find] follows keys and indexes down the tree and says where it arrived.
//   - A [Reader] takes nodes for what they should be (a mapping, a list, a text) and reports each that is something
//     else. It goes on after a mistake, so that one run shows them all.
//
// # What holds for every tree
//
//   - The text was valid UTF-8 and no longer than Bounds.Bytes.
//   - Brackets, and dashes on one line, are nested at most Bounds.Nesting deep. Nesting by indentation needs no bound
//     of its own, because each level costs the indentation of all levels above it.
//   - There was one document. An empty one has the tree nil; comments alone are empty too.
//   - No mapping has a key twice, also where one is quoted and the other is not.
//   - A panic of the parser became an [Error].
//
// Anchors, aliases, tags, merge keys (<<) and explicit keys (? a) are in the tree where the text has them, but a Reader
// takes none of them: it reports them as no mapping, list, text or key.
//
// # Errors
//
// Every mistake is an *[Error] with a [Position]. Line and column count from 1, in characters. A text form says
// "line 3, column 7: problem", the form for a file that has a name is Position.In: "notifyd.yaml:3:7". Errors quote no
// more than the scalar in question, so a caller that reads secrets decides itself what it repeats.
//
// An example, the mapping of names to lists that a file of groups is:
//
//	root, err := yamltext.Parse(text, yamltext.Bounds{Bytes: 1 << 20, Nesting: 20})
//	...
//	r := yamltext.Reader{Report: func(at yamltext.Position, problem string) { log.Print(at, ": ", problem) }}
//	for _, group := range r.Mapping(root, "a file of groups is a mapping") {
//		for _, member := range r.List(group.Value, "members are a list") {
//			name, ok := r.Text(member, "a member is a name")
//			...
//		}
//	}
package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds is what a text may cost.
type Bounds struct {
	Bytes   int // length of the text
	Nesting int // brackets within brackets, or dashes on one line; the parser's time grows with the square of it
}

// A Position is a line and a column of a text, both from 1. The zero Position stands for the text as a whole.
type Position struct{ Line, Column int }

// String gives "line 3, column 7".
func (p Position) String() string { return fmt.Sprintf("line %d, column %d", p.Line, p.Column) }

// In gives "file:3:7", and the file alone for the zero Position.
func (p Position) In(file string) string {
	if p == (Position{}) {
		return file
	}
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
}

// An Error is what is wrong with a text, and where.
type Error struct {
	Position
	Problem string
}

// Error gives "line 3, column 7: problem".
func (e *Error) Error() string {
	if e.Position == (Position{}) {
		return e.Problem
	}
	return e.Position.String() + ": " + e.Problem
}

// Parse gives the tree of the one document of text, nil for an empty one. An error is an *Error.
func Parse(text []byte, bounds Bounds) (root ast.Node, err error) {
	if len(text) > bounds.Bytes {
		return nil, &Error{Problem: fmt.Sprintf("the text has %d bytes; at most %d are allowed", len(text), bounds.Bytes)}
	}
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, &Error{Position{1, 1}, "the text is UTF-16; save it as UTF-8"}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))  // YAML 1.2, 5.2
	if at := invalidUTF8(text); at != (Position{}) { // the lexer would read U+FFFD
		return nil, &Error{at, "the text is not UTF-8 here"}
	}
	defer func() {
		if p := recover(); p != nil {
			root, err = nil, &Error{Problem: fmt.Sprintf("not YAML: the parser gave up: %v", p)}
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if err := checkNesting(tokens, bounds.Nesting); err != nil {
		return nil, err
	}
	for _, t := range tokens { // the lexer loses a tab within a text without quotes
		written := strings.TrimSpace(t.Origin)
		if t.Type == token.StringType && strings.Contains(written, "\t") && !strings.Contains(written, "\n") {
			t.Value = written
		}
	}
	file, err := parser.Parse(joinTexts(tokens), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(err)
	}
	return onlyDocument(file)
}

// onlyDocument gives the body of a file's document. Documents without one, as after a last "---", do not count.
func onlyDocument(file *ast.File) (ast.Node, error) {
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			return nil, &Error{PositionOf(doc.Body), "a second document begins here; one is allowed"}
		}
		root = doc.Body
	}
	if root == nil {
		return nil, nil
	}
	return root, checkKeys(root)
}

// invalidUTF8 gives the position of the first byte that is not UTF-8, zero where there is none.
func invalidUTF8(text []byte) Position {
	if utf8.Valid(text) {
		return Position{}
	}
	at := Position{1, 1}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			break
		}
		at.Column++
		if r == '\n' {
			at = Position{at.Line + 1, 1}
		}
		text = text[size:]
	}
	return at
}

func checkNesting(tokens token.Tokens, most int) error {
	brackets, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		}
		if brackets > most || dashes > most {
			return &Error{Position{t.Position.Line, t.Position.Column}, "the text is nested too deeply here"}
		}
	}
	return nil
}

// syntaxError gives an error of the parser without the lines of the text that it quotes.
func syntaxError(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		return &Error{Problem: "not YAML: " + err.Error()}
	}
	problem, _, _ := strings.Cut(e.GetMessage(), ": \"") // what follows is quoted from the text
	if strings.Contains(problem, "found character '\t'") {
		problem = "a tab; YAML is indented by blanks"
	}
	wrong := &Error{Problem: "not YAML: " + problem}
	if t := e.GetToken(); t != nil && t.Position != nil {
		wrong.Position = Position{t.Position.Line, t.Position.Column}
	}
	return wrong
}
