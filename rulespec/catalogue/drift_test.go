package catalogue

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

var wholeDrift = flag.Bool("drift", false, "mutate every field of every message, not a sample (make drift)")

// Some fields decide what is said at all: without the action of a pull request its author is no longer who did it. So
// of an application's mutants one in so many may leave a fact unsaid.
const deciding = 100

const unsaid = "a fact that is there and not said"

// driftSample is how many of the mutants the sample has: one of so many.
const driftSample = 40

// TestDrift changes each field of each message as the next release of its sender might, and reads what is then said of
// it. The messages are the fixtures and, where they are at hand, those of real buses. Run it for one application with
// -run TestDrift/github.
func TestDrift(t *testing.T) {
	byApp := map[string][]*bus.Message{}
	c := embeddedCatalogue(t)
	for _, m := range driftMessages(t) {
		app := c.Describe(m).App
		byApp[app] = append(byApp[app], m)
	}
	mutants := 0
	for _, app := range values.Keys(byApp) {
		t.Run(app, func(t *testing.T) {
			d := &drift{c: c, faults: map[string][]string{}}
			for _, m := range byApp[app] {
				d.message(m)
			}
			for _, class := range values.Keys(d.faults) {
				found := d.faults[class]
				if class == unsaid && len(found) <= max(1, d.mutants/deciding) {
					t.Logf("%s: %d of %d mutants", class, len(found), d.mutants)
					continue
				}
				t.Errorf("%s: %d of %d mutants\n   %s", class, len(found), d.mutants,
					strings.Join(found[:min(len(found), 15)], "\n   "))
			}
			mutants += d.mutants
		})
	}
	t.Logf("%d mutants", mutants)
	for _, f := range c.Failures() {
		t.Errorf("%s of %s %s failed for %d mutants", f.Field, f.App, f.Kind, f.Count)
	}
}

// A drift mutates messages and collects what is then wrong, by what it is.
type drift struct {
	c       *Catalogue
	mutants int
	faults  map[string][]string // by what they are
}

// A field is one that a mutation changes, and what it was.
type field struct {
	in   map[string]any
	key  string
	was  any
	path string
}

// maxFieldDepth is how deep in a message fields are changed, and maxListed how many elements of a list are looked into.
const (
	maxFieldDepth = 5
	maxListed     = 2
)

func fieldsIn(v any, path string, depth int) []field {
	var out []field
	switch v := v.(type) {
	case map[string]any:
		for _, key := range values.Keys(v) {
			at := path + "." + key
			out = append(out, field{v, key, v[key], at})
			if depth > 1 {
				out = append(out, fieldsIn(v[key], at, depth-1)...)
			}
		}
	case []any:
		for i, x := range v[:min(len(v), maxListed)] {
			out = append(out, fieldsIn(x, fmt.Sprintf("%s[%d]", path, i), depth-1)...)
		}
	}
	return out
}

// A mutation gives what a field holds instead; not ok where it does not apply.
type mutation struct {
	name  string
	apply func(f field) (value any, ok bool)
}

// gone is the value of a field that is not there.
type gone struct{}

var mutations = []mutation{
	{"removed", func(field) (any, bool) { return gone{}, true }},
	{"null", func(field) (any, bool) { return nil, true }},
	{"empty", func(field) (any, bool) { return "", true }},
	{"null text", func(field) (any, bool) { return "null", true }},
	{"number", func(field) (any, bool) { return json.Number("4711"), true }},
	{"list", func(f field) (any, bool) { return []any{f.was}, true }},
	{"empty list", func(field) (any, bool) { return []any{}, true }},
	{"object", func(field) (any, bool) { return map[string]any{"drift": map[string]any{"ed": true}}, true }},
	{"nested", func(f field) (any, bool) { _, is := f.was.(map[string]any); return map[string]any{"name": f.was}, !is }},
	{"nested by its name", func(f field) (any, bool) { return map[string]any{f.key: f.was}, true }},
	{"flat", func(f field) (any, bool) {
		was, is := f.was.(map[string]any)
		return values.NameOf(was), is && values.NameOf(was) != ""
	}},
}

// message mutates one message in all ways, or in a sample of them.
func (d *drift) message(m *bus.Message) {
	body, ok := m.Body.(map[string]any)
	if !ok {
		return
	}
	whole := d.c.Describe(m)
	summary, facts := whole.Prose().Summary, d.facts(whole)
	for _, f := range fieldsIn(body, "", maxFieldDepth) {
		for _, change := range mutations {
			value, applies := change.apply(f)
			if !applies || !*wholeDrift && !sampled(m.Topic+f.path+change.name) {
				continue
			}
			d.mutants++
			if f.in[f.key] = value; value == (gone{}) {
				delete(f.in, f.key)
			}
			what := fmt.Sprintf("%s %s %s", m.Topic, f.path, change.name)
			e := d.read(what, m, whole)
			d.kept(what, e, whole.Kind, summary, facts, f)
			f.in[f.key] = f.was
		}
	}
}

func sampled(name string) bool {
	h := fnv.New32a()
	h.Write([]byte(name))
	return h.Sum32()%driftSample == 0
}

func (d *drift) fault(class, format string, args ...any) {
	d.faults[class] = append(d.faults[class], fmt.Sprintf(format, args...))
}

// notRead is what no sentence may show: JSON, what programs write for nothing, an empty bracket, an address, a gap.
var notRead = regexp.MustCompile(`[{\[]"|"[}\]]|\bnull\b|\bNone\b|\(\s*\)|\[\s*\]|<nil>|<no value>|map\[|` +
	`[\w.+-]+@[\w-]+\.\w+|  |""|drift|\b(?:to|of|in|for|from|on|as|by|at|with|into|than)$`)

// read looks at what is said of a mutant.
func (d *drift) read(what string, m *bus.Message, whole *Event) *Event {
	defer func() {
		if r := recover(); r != nil {
			d.fault("panic", "%s: %v", what, r)
		}
	}()
	e := d.c.Describe(m)
	p := e.Prose()
	e.Digest()
	found := notRead.FindString(p.Summary)
	if p.Summary == "" || found != "" && !strings.Contains(whole.Prose().Summary, found) {
		d.fault("a sentence that nobody reads", "%s: %q", what, p.Summary)
	}
	if p.Link != "" && wholeLink(p.Link, m.Body) == "" {
		d.fault("a link that leads nowhere", "%s: %s", what, p.Link)
	}
	for _, name := range slices.Concat(e.Users, []string{e.Actor}) {
		if name != "" && !slices.Contains(whole.Users, name) && !plausible(name) {
			d.fault("a user that is no person", "%s: %q", what, name)
		}
	}
	for _, name := range slices.Concat(e.Packages, e.Objects) {
		if strings.ContainsAny(name, "{}\"\n") || strings.Contains(name, "drift") || values.IsPlaceholder(name) {
			d.fault("a name that is none", "%s: %q", what, name)
		}
	}
	if e.App != whole.App {
		d.fault("another application", "%s: %s", what, e.Kind)
	}
	return e
}

// plausible reports whether a name that was not among the users before may be a person's.
func plausible(name string) bool {
	_, isNumber := values.Number(name)
	return !isNumber && !values.IsNobody(name) && !strings.ContainsAny(name, "{}[]\"<>/") &&
		!strings.Contains(name, "drift")
}

// facts gives the texts of a message that its sentence shows, the longest of those that overlap.
func (d *drift) facts(e *Event) map[string]bool {
	summary, found := e.Prose().Summary, map[string]bool{}
	for _, text := range textsIn(e.Body) {
		if len(text) >= 3 && len(text) <= 60 && strings.Contains(summary, text) {
			found[text] = true
		}
	}
	for a := range found {
		for b := range found {
			if a != b && strings.Contains(b, a) {
				delete(found, a)
			}
		}
	}
	return found
}

func textsIn(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			out = append(out, textsIn(x)...)
		}
	case []any:
		for _, x := range v {
			out = append(out, textsIn(x)...)
		}
	case string:
		out = append(out, v)
	case json.Number:
		out = append(out, string(v))
	}
	return out
}

// kept says what of a message is no longer said though it is still there.
func (d *drift) kept(what string, e *Event, kind, summary string, facts map[string]bool, f field) {
	decides := d.decides(e, f.path)
	if e.Kind != kind && !decides {
		d.fault("another kind", "%s: %s, not %s", what, e.Kind, kind)
	}
	if _, decision := f.was.(bool); e.Kind != kind || decides || decision {
		return
	}
	said := e.Prose().Summary
	own := strings.Join(textsIn(f.was), "\x00")
	for fact := range facts {
		if !strings.Contains(said, fact) && !strings.Contains(own, fact) && !strings.Contains(fact, own+"\x00") {
			d.fault(unsaid, "%s: %q in %q, was %q", what, fact, said, summary)
		}
	}
}

// decides reports whether a field is one by which the entries of the topic are told apart.
func (d *drift) decides(e *Event, path string) bool {
	for _, a := range d.c.apps {
		if a.name != e.App {
			continue
		}
		for _, candidate := range a.entries {
			if candidate.when == nil {
				continue
			}
			text := candidate.when.source
			needed := map[string]bool{}
			candidate.addNeeded(needed, candidate.when.Needs())
			for name := range needed {
				text += " " + candidate.vars[name].source
			}
			for _, key := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]0123456789", r) }) {
				if strings.Contains(text, key) {
					return true
				}
			}
		}
	}
	return false
}

// driftMessages gives the fixtures and the messages of real buses.
func driftMessages(t *testing.T) []*bus.Message {
	t.Helper()
	var lines [][]byte
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		for _, f := range readFixtures(t, file) {
			lines = append(lines, f.Message)
		}
	}
	for _, name := range []string{"fedora-classic", "fedora-modern", "debian", "wider"} {
		data, err := os.ReadFile("../../../shared/corpus/" + name + ".jsonl")
		if err != nil {
			t.Logf("without %s, which is not here", name)
			continue
		}
		for line := range bytes.Lines(data) {
			lines = append(lines, corpusMessage(t, line))
		}
	}
	var out []*bus.Message
	for _, line := range lines {
		m, err := bus.DecodeLine(line, time.Unix(1500000000, 0))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, m)
	}
	return out
}

// corpusMessage gives the message in a line of a corpus, without what the corpus says about it.
func corpusMessage(t *testing.T, line []byte) []byte {
	t.Helper()
	var l map[string]json.RawMessage
	if err := json.Unmarshal(line, &l); err != nil {
		t.Fatal(err)
	}
	var envelope map[string]json.RawMessage
	if json.Unmarshal(l["msg"], &envelope) == nil && envelope["topic"] != nil && envelope["msg"] != nil {
		return l["msg"]
	}
	kept := map[string]json.RawMessage{}
	for _, key := range []string{"topic", "msg", "headers", "body"} {
		if l[key] != nil {
			kept[key] = l[key]
		}
	}
	out, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
