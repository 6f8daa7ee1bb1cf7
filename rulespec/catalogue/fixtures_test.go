package catalogue

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

var update = flag.Bool("update", false,
	"write the events of the fixtures anew; read the difference before you commit it")

// A fixture is a message of our own making and the event that it must give. The files of testdata are lists of them,
// one file an application.
type fixture struct {
	Message json.RawMessage `json:"message"`
	Event   fixtureEvent    `json:"event"`
}

type fixtureEvent struct {
	Kind          string   `json:"kind"`
	Title         string   `json:"title"`
	Summary       string   `json:"summary"`
	Link          string   `json:"link"`
	SecondaryIcon string   `json:"secondary_icon"`
	Actor         string   `json:"actor"`
	Users         []string `json:"users"`
	Packages      []string `json:"packages"`
	Objects       []string `json:"objects"`
	Severity      string   `json:"severity"`
	Phase         Phase    `json:"phase,omitempty"`
	Author        []string `json:"author,omitempty"`
	Assigned      []string `json:"assigned,omitempty"`
	Mentioned     []string `json:"mentioned,omitempty"`
	Watchers      []string `json:"watchers,omitempty"`
}

func eventOf(e *Event) fixtureEvent {
	p, r := e.Prose(), e.Roles()
	return fixtureEvent{e.Kind, e.Title, p.Summary, p.Link, p.SecondaryIcon, e.Actor, e.Users, e.Packages, e.Objects,
		e.Severity.String(), e.Phase(), r.Author, r.Assigned, r.Mentioned, r.Watchers}
}

func readFixtures(t *testing.T, file string) []fixture {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var fixtures []fixture
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&fixtures); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return fixtures
}

// shapes is how many messages show a kind at least: as documented, as seen, and half of one.
const shapes = 3

// TestFixtures describes every fixture, and demands several shapes for each entry of the embedded catalogue.
func TestFixtures(t *testing.T) {
	c := embeddedCatalogue(t)
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	shown, known := map[string]int{}, map[string]bool{}
	for _, k := range c.Kinds() {
		known[k.Kind] = true
	}
	for _, file := range files {
		app := strings.TrimSuffix(filepath.Base(file), ".json")
		fixtures := readFixtures(t, file)
		for i := range fixtures {
			e := describeFixture(t, c, &fixtures[i])
			if e.App != app {
				t.Errorf("%s: the message on %s is one of %s", file, e.Topic, e.App)
			}
			if !known[e.Kind] { // and describeFixture holds it to the kind that it was made for
				t.Errorf("%s: no entry describes the message on %s", file, e.Topic)
			}
			shown[e.Kind]++
		}
		if *update {
			writeFixtures(t, file, fixtures)
		}
	}
	for _, k := range c.Kinds() {
		if n := shown[k.Kind]; n < shapes {
			t.Errorf("kind %s has %d fixtures in testdata/%s.json; want %d: as documented, as seen, and half of one", k.Kind,
				n, k.App, shapes)
		}
	}
	for _, f := range c.Failures() {
		t.Errorf("%s %s: field %s failed %d times on the fixtures", f.App, f.Kind, f.Field, f.Count)
	}
}

// TestFixturesFillEveryField keeps the entries built in to what sites' entries are checked for: a field that no fixture
// fills is a mistake in the entry, or nobody has ever seen it work. A variable that several kinds share need not be
// filled in each.
func TestFixturesFillEveryField(t *testing.T) {
	c := embeddedCatalogue(t)
	filled, seen := map[position]bool{}, map[position]string{}
	for _, k := range c.Kinds() {
		examples, err := c.Examples(k.Kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range examples {
			for _, o := range c.Try(x.Message).Fields {
				filled[o.at] = filled[o.at] || o.Err == nil && o.Text != "" && o.Text != "false"
				seen[o.at] = o.Field + " of " + k.Kind
			}
		}
	}
	for at, what := range seen {
		if !filled[at] {
			t.Errorf("%s: no fixture fills %s", at, what)
		}
	}
}

func describeFixture(t *testing.T, c *Catalogue, f *fixture) *Event {
	t.Helper()
	m, err := bus.DecodeLine(f.Message, time.Unix(1500000000, 0))
	if err != nil {
		t.Fatalf("%s: %v", f.Message, err)
	}
	e := c.Describe(m)
	got := eventOf(e)
	switch {
	case got.Summary == "" || strings.Contains(got.Summary, "<no value>") || strings.Contains(got.Summary, "<nil>"):
		t.Errorf("%s: the sentence says %q", got.Kind, got.Summary)
	case strings.Contains(got.Summary, "  ") || strings.HasSuffix(got.Summary, " "):
		t.Errorf("%s: the sentence has spare spaces: %q", got.Kind, got.Summary)
	}
	if *update {
		f.Event = got
		return e
	}
	if a, b := asJSON(t, got), asJSON(t, f.Event); a != b {
		t.Errorf("%s\n   got  %s\n   want %s\nrun: go test ./rulespec/catalogue -update, and read the difference", m.Topic, a, b)
	}
	return e
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

// writeFixtures writes one message and one event a line, which reads well side by side and in a difference.
func writeFixtures(t *testing.T, file string, fixtures []fixture) {
	t.Helper()
	var out bytes.Buffer
	out.WriteString("[\n")
	for i, f := range fixtures {
		out.WriteString("{\"message\": ")
		if err := json.Compact(&out, f.Message); err != nil {
			t.Fatal(err)
		}
		out.WriteString(",\n \"event\": " + asJSON(t, f.Event) + "}")
		if i < len(fixtures)-1 {
			out.WriteString(",")
		}
		out.WriteString("\n")
	}
	out.WriteString("]\n")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
