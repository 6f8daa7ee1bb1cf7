package directory

import (
	"bytes"
	"errors"
	"regexp"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// errNotCut is the error when a text must be read whole: it has a form that is not cut, or the cutter guessed wrong.
var errNotCut = errors.New("the text cannot be read in chunks")

// parseInChunks reads a text in pieces of about size bytes.
func parseInChunks(text []byte, size int, alone bool) (*Facts, error) {
	pieces := chunks(text, size)
	if len(pieces) == 0 || !utf8.Valid(text) { // a comment before the first section is in no piece
		return nil, errNotCut
	}
	b := newBuilder(alone)
	for _, c := range pieces {
		root, err := yamltext.Parse(c.text, bounds)
		if err != nil || !c.isSection(root) {
			return nil, errNotCut
		}
		b.line = c.line
		b.read(root)
	}
	return b.finish()
}

// chunkSize is the approximate size of a text that is parsed at once, in bytes. The parser takes some 250 bytes of
// memory for each byte of text, and the directory of a distribution has megabytes.
const chunkSize = 128 << 10

// A chunk is a piece of a file that is a whole YAML text by itself.
type chunk struct {
	text   []byte
	line   int // added to a line number of text, gives the line number of the file
	indent int // of the section's entries; 0 where there are none
}

// sectionHead matches a line that begins a section in block style, such as `packages:`.
var sectionHead = regexp.MustCompile(`^([A-Za-z_]+):[ \t]*(#.*)?\r?\n?$`)

// entryHead matches the first line of an entry: a key in one line and its colon. Lists, flow collections and text
// after a ? may stand under their key without indentation, so not every line with the indentation of an entry begins
// one.
var entryHead = regexp.MustCompile(`^("[^"\\]*"|'[^']*'|[\pL\pN][^\s:'"\[\]{},&*!|>%?#` + "`" + `]*):([ \t\r\n]|$)`)

// chunks cuts text between the entries of its sections, into pieces of about size bytes. It returns nil for a text in
// any other form than sections in block style. The result is a guess: a line within a quoted text can look like an
// entry. Then the chunk is not YAML, or not a section.
func chunks(text []byte, size int) []chunk {
	c := cutter{size: size, seen: map[string]bool{}}
	for line := range bytes.Lines(text) {
		if !c.take(line) {
			return nil
		}
	}
	c.cut()
	return c.done
}

// A cutter collects lines.
type cutter struct {
	size   int
	done   []chunk
	seen   map[string]bool // sections
	number int             // of the current line, from 1
	head   []byte          // the line that began the section
	indent int             // of the section's entries; 0 until the first is seen
	text   []byte          // of the current chunk
	line   int             // its chunk.line
}

// take adds a line; it returns false when the text does not have a form that can be cut.
func (c *cutter) take(line []byte) bool {
	c.number++
	if r := bytes.IndexByte(line, '\r'); r >= 0 && r < len(line)-2 {
		return false // YAML ends a line at this byte too, so the lines of the file would be counted wrong
	}
	body := bytes.TrimLeft(line, " ")
	blank := len(bytes.TrimSpace(line)) == 0 || body[0] == '#'
	indent := len(line) - len(body)
	switch {
	case blank:
	case indent == 0:
		name := sectionHead.FindSubmatch(line)
		if name == nil || c.seen[string(name[1])] {
			return false
		}
		c.cut()
		c.seen[string(name[1])] = true
		c.head, c.indent, c.line = line, 0, c.number-1
	case c.head == nil:
		return false
	case c.indent == 0:
		c.indent = indent
	case indent == c.indent && len(c.text) >= c.size && entryHead.Match(body):
		c.cut()
		// The head comes before the current line, as line 1 of the chunk.
		c.text, c.line = append(c.text, c.head...), c.number-2
	}
	c.text = append(c.text, line...)
	return true
}

// cut ends the current chunk. Lines before the first section, blank lines and comments are not a chunk.
func (c *cutter) cut() {
	if c.head != nil {
		c.done = append(c.done, chunk{c.text, c.line, c.indent})
	}
	c.text = nil
}

// isSection reports whether a chunk's tree has the form that the cutter assumed: the head of a section and entries in
// block style, all with the same indentation. Only such a section means the same in pieces and in one.
func (c chunk) isSection(root ast.Node) bool {
	sections, ok := yamltext.Entries(root)
	if !ok || len(sections) != 1 {
		return false
	}
	section, ok := sections[0].Value.(*ast.MappingNode)
	if !ok || section.IsFlowStyle {
		return yamltext.IsEmpty(sections[0].Value) && c.indent == 0
	}
	for _, e := range section.Values {
		if yamltext.PositionOf(e.Key).Column != c.indent+1 {
			return false
		}
	}
	return true
}
