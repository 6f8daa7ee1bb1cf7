package bus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// A DatagrepperPage is an answer of datagrepper, the archive of fedmsg (https://apps.fedoraproject.org/datagrepper).
type DatagrepperPage struct {
	Frames []Frame // in the order of the answer, with topic, payload and ThirdParty alone
	Pages  int     // of the whole answer
	Broken int     // messages of the answer that are none, and not among Frames
}

// maxRows bounds the messages of an answer; datagrepper gives 100 at most. A few bytes must not become many frames.
const maxRows = 1000

// ReadDatagrepper reads an answer of datagrepper's /raw. Its messages are given as they were sent: datanommer, which
// stores them, adds fields and makes floats of times, and the signature holds only without that. One message that
// cannot be read does not spoil the others.
func ReadDatagrepper(answer []byte) (DatagrepperPage, error) {
	var page DatagrepperPage
	p := parser{text: answer, left: maxParsed}
	if p.peek() != '{' {
		return page, fmt.Errorf("not a JSON object: %q", clip(string(answer)))
	}
	found, whole := false, false
	for p.pos++; p.peek() == '"'; p.pos++ {
		key, err := p.str()
		if err != nil || p.peek() != ':' {
			break
		}
		p.pos++
		value := p.raw()
		if value == nil {
			break
		}
		switch key {
		case "raw_messages":
			found = page.read(value)
		case "pages":
			fmt.Sscan(string(value), &page.Pages)
		case "error":
			return page, fmt.Errorf("it says %s", clip(string(value)))
		}
		if p.peek() != ',' {
			whole = p.peek() == '}'
			break
		}
	}
	if !found || !whole {
		return page, fmt.Errorf("not an answer of datagrepper: %q", clip(string(answer)))
	}
	return page, nil
}

// raw skips a value and gives its text; nil where that has no end.
func (p *parser) raw() []byte {
	p.space()
	start := p.pos
	if !p.skip() {
		return nil
	}
	return p.text[start:p.pos]
}

// read reads the list of messages; false: it is none, or too long.
func (page *DatagrepperPage) read(list []byte) bool {
	p := parser{text: list, left: maxParsed}
	if p.peek() != '[' {
		return false
	}
	for p.pos++; p.peek() != ']'; {
		value := p.raw()
		if len(value) == 0 || len(page.Frames)+page.Broken >= maxRows {
			return false
		}
		if f, err := unarchive(value); err == nil {
			page.Frames = append(page.Frames, f)
		} else {
			page.Broken++
		}
		if p.peek() == ',' {
			p.pos++
		} else if p.peek() != ']' {
			return false
		}
	}
	return true
}

// maxUnarchived bounds what one message may cost to read, as MaxRead does: all of it is read and written anew.
const maxUnarchived = MaxPayload

// datanommerFields are what datanommer and datagrepper add to a message. nullFields are null there where they were
// absent.
var (
	datanommerFields = []string{"source_name", "source_version", "agent_name", "users", "packages", "meta"}
	nullFields       = []string{"certificate", "signature", "crypto", "username", "headers", "i", "msg_id"}
)

// unarchive gives a message of datagrepper as it was sent.
func unarchive(text []byte) (Frame, error) {
	v, err := parseWithin(text, true, maxUnarchived)
	if err != nil {
		return Frame{}, malformed("%w", err)
	}
	e, ok := v.(map[string]any)
	if !ok {
		return Frame{}, malformed("a JSON %s, not an object", jsonKind(v))
	}
	for _, name := range datanommerFields {
		delete(e, name)
	}
	for _, name := range nullFields {
		if v, ok := e[name]; ok && v == nil {
			delete(e, name)
		}
	}
	if headers, ok := e["headers"].(map[string]any); ok && len(headers) == 0 {
		delete(e, "headers")
	}
	if n, ok := e["timestamp"].(json.Number); ok {
		if whole, fraction, _ := strings.Cut(string(n), "."); strings.Trim(fraction, "0") == "" {
			e["timestamp"] = json.Number(whole)
		}
	}
	f := Frame{ThirdParty: true}
	f.Topic, _ = e["topic"].(string)
	if f.Payload, err = Canonical(e); err != nil {
		return Frame{}, malformed("%w", err)
	}
	return f, nil
}

// ReadArchived reads what somebody has kept of datagrepper: one of its records, or a whole answer. known is false for
// any other text, such as a message as it was sent; broken counts the messages of an answer that are none.
func ReadArchived(text []byte) (frames []Frame, broken int, known bool) {
	if bytes.Contains(text, []byte(`"raw_messages"`)) && !hasKey(text, "topic") {
		page, err := ReadDatagrepper(text)
		return page.Frames, page.Broken, err == nil
	}
	// datanommer adds both names to a record. A message that has them in its body alone is as it was sent.
	if !bytes.Contains(text, []byte(`"source_name"`)) || !bytes.Contains(text, []byte(`"source_version"`)) ||
		!hasKey(text, "source_name") {
		return nil, 0, false
	}
	f, err := unarchive(text)
	if err != nil {
		return nil, 0, false
	}
	return []Frame{f}, 0, true
}

// hasKey reports whether text is a JSON object that has a key.
func hasKey(text []byte, key string) bool {
	p := parser{text: text, left: maxParsed}
	if p.peek() != '{' {
		return false
	}
	for p.pos++; p.peek() == '"'; p.pos++ {
		name, err := p.str()
		if err != nil || p.peek() != ':' {
			return false
		}
		if name == key {
			return true
		}
		if p.pos++; p.raw() == nil || p.peek() != ',' {
			return false
		}
	}
	return false
}
