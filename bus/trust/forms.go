package trust

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// An envelope is the fields of a message that a certificate's signature may cover, each in canonical form. They are
// kept apart, so that the digest of another form does not cost another encoding.
type envelope struct {
	names  []string // sorted
	fields map[string]any
	texts  map[string][]byte // `"name":value`
	size   int
}

func newEnvelope(p *bus.Proof) (*envelope, error) {
	e := &envelope{fields: p.Envelope(), texts: map[string][]byte{}}
	delete(e.fields, "signature")
	delete(e.fields, "certificate")
	e.names = slices.Sorted(maps.Keys(e.fields))
	for _, name := range e.names {
		text, err := bus.Canonical(map[string]any{name: e.fields[name]})
		if err != nil {
			return nil, err
		}
		e.texts[name] = text[1 : len(text)-1]
		e.size += len(text)
	}
	return e, nil
}

// A form is a guess at what was signed: all fields but some, which were added later.
type form struct {
	added []string
	// wholeSeconds says that the timestamp was an integer, of which an archive has made a float.
	wholeSeconds bool
}

// digest gives the SHA-1 of the canonical JSON of a form.
func (e *envelope) digest(f form) []byte {
	sum := sha1.New()
	before := []byte{'{'}
	for _, name := range e.names {
		if slices.Contains(f.added, name) {
			continue
		}
		text := e.texts[name]
		if f.wholeSeconds && name == "timestamp" {
			text = text[:len(text)-len(".0")]
		}
		sum.Write(before)
		sum.Write(text)
		before = []byte{','}
	}
	if before[0] == '{' {
		sum.Write(before)
	}
	sum.Write([]byte{'}'})
	return sum.Sum(nil)
}

// archived are the fields that datagrepper and datanommer add. The first two tell that they did.
var archived = []string{"source_name", "source_version", "agent_name", "users", "packages", "meta"}

// layers are the fields that tools on the way add, the last tool first.
func (e *envelope) layers() [][]string {
	archive := archived
	switch {
	case !e.fromArchive():
		archive = nil
	case e.emptyHeaders():
		archive = append(slices.Clone(archived), "headers")
	}
	return [][]string{
		{"notifyd_standing"}, // notifyd tail
		archive,
		{"headers"}, // a hub, from STOMP or AMQP
		{"gilmsg_version"},
		{"seq_id"}, // the publisher's replay store
	}
}

// maxHashed bounds the bytes that are hashed for one message, beyond those of its first form.
const maxHashed = 3 << 20

// forms gives the forms of e in the order in which they are tried: as it was received, and then each time without
// another layer.
func (e *envelope) forms() []form {
	all := []form{{}}
	var added []string
	for _, layer := range e.layers() {
		before := len(added)
		for _, name := range layer {
			if e.has(name) && !slices.Contains(added, name) {
				added = append(added, name)
			}
		}
		if len(added) == before {
			continue
		}
		f := form{added: slices.Sorted(slices.Values(added))}
		if e.fromArchive() && bytes.HasSuffix(e.texts["timestamp"], []byte(".0")) {
			all = append(all, form{added: f.added, wholeSeconds: true})
		}
		all = append(all, f)
	}
	return all[:min(len(all), 1+maxHashed/max(e.size, 1))]
}

func (e *envelope) fromArchive() bool { return e.has("source_name") && e.has("source_version") }

func (e *envelope) has(name string) bool { _, ok := e.fields[name]; return ok }

func (e *envelope) emptyHeaders() bool {
	headers, ok := e.fields["headers"].(map[string]any)
	return e.fields["headers"] == nil || ok && len(headers) == 0
}

// unproved says for people what a form leaves unproved; "" where that is nothing.
func (f form) unproved() string {
	if len(f.added) == 0 {
		return ""
	}
	return fmt.Sprintf("added after signing, and so not proved: %s", strings.Join(f.added, ", "))
}
