package debian

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// A stanza is a paragraph of an index, of which only these fields are kept.
type stanza struct {
	pkg, version, maintainer, uploaders string
	extra                               bool // Extra-Source-Only
}

// The bounds on an index.
const (
	maxLine  = 1 << 20  // bytes; Binary and Files of large packages have tens of thousands
	maxField = 64 << 10 // bytes of a field that is kept
)

// stanzas calls take for each paragraph of a text in the form of deb822(5): fields in any case, values that go on in
// lines which begin with a space or a tab, comments, paragraphs with empty lines between them. wrong says that one
// cannot be read.
func stanzas(text io.Reader, take func(s stanza, wrong error)) error {
	lines := bufio.NewScanner(text)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var p paragraph
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			p.end(take)
		case line[0] == '#':
		default:
			p.line(line)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read index: %w", err)
	}
	p.end(take)
	return nil
}

// A paragraph is a stanza that is being read.
type paragraph struct {
	stanza
	begun bool
	field *string // that the next line may go on; nil where the field is not kept
	named bool    // there was a field
	wrong error
}

var errForm = errors.New("a line is neither a field nor goes on with one")

func (p *paragraph) line(line []byte) {
	p.begun = true
	if line[0] == ' ' || line[0] == '\t' {
		if !p.named {
			p.wrong = errForm
		}
		p.add(" " + string(bytes.TrimSpace(line)))
		return
	}
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") {
		p.wrong, p.field = errForm, nil
		return
	}
	p.named, p.field = true, p.kept(string(name))
	p.add(string(bytes.TrimSpace(value)))
}

// kept returns where the value of a field is kept; nil for one that is not, or was there before.
func (p *paragraph) kept(name string) *string {
	var into *string
	switch strings.ToLower(name) {
	case "package":
		into = &p.pkg
	case "version":
		into = &p.version
	case "maintainer":
		into = &p.maintainer
	case "uploaders":
		into = &p.uploaders
	case "extra-source-only":
		p.extra = true
	}
	if into != nil && *into != "" {
		return nil
	}
	return into
}

func (p *paragraph) add(text string) {
	if p.field == nil {
		return
	}
	if len(*p.field)+len(text) > maxField {
		p.wrong = errors.New("a field is too long")
		return
	}
	*p.field += text
}

// end hands the paragraph over, if there is one.
func (p *paragraph) end(take func(stanza, error)) {
	if p.begun {
		take(p.stanza, p.wrong)
	}
	*p = paragraph{}
}

// between is where one person in a list ends and the next begins. A comma alone is no such place: names have commas.
var between = regexp.MustCompile(`>\s*,`)

// addresses returns the mail addresses in a list of people, such as:
//
//	A. Powell, IV <a@x.org>, b@x.org, "Öst, F" <c@x.org>,
func addresses(list string) []string {
	var found []string
	for _, part := range between.Split(list, -1) {
		name, address, hasName := cutLast(part, "<")
		if !hasName {
			name, address = part, ""
		}
		bare := strings.Split(name, ",")
		if hasName {
			bare = bare[:len(bare)-1] // the last is the name of who has the address in <>
		}
		for _, text := range append(bare, strings.TrimSuffix(strings.TrimSpace(address), ">")) {
			if text = strings.TrimSpace(text); isAddress(text) {
				found = append(found, text)
			}
		}
	}
	return found
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

var address = regexp.MustCompile(`^[^\s<>,;:"()\[\]\\@]+@[^\s<>,;:"()\[\]\\@]+\.[^\s<>,;:"()\[\]\\@.]+$`)

func isAddress(text string) bool { return len(text) <= 254 && address.MatchString(text) }
