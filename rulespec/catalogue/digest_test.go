package catalogue

import (
	"reflect"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

func TestDigest(t *testing.T) {
	c := loadSite(t, `
app: library
vars:
  shelf: msg.shelf
  broken: msg.number + {}
entries:
  - topic: library.lent.{to}
    kind: library.lent
    name: Books lent
    group: ['"shelf " + shelf', '[msg.agent, msg.shelf]', msg.absent, '"book " + msg.absent', 'msg.absent + "  " + shelf']
    plural: '{{.actors}} lent {{plural .title "book" "books"}} of {{.shelf}} to {{.to}}, {{sum .days}} days'
    vars: {title: msg.titles, days: msg.days, unused: msg.unused}
    summary: a book was lent
    actor: msg.agent
`)
	e := c.Describe(&bus.Message{Topic: "org.example.prod.library.lent.bob",
		Body: body(t, `{"agent": "alice", "shelf": "A\nB", "titles": ["tea", "cup", "tea"], "days": 14}`)})
	d := e.Digest()
	if want := []string{"shelf A B", "alice\x1fA B", "", "", ""}; !reflect.DeepEqual(d.Keys, want) {
		t.Errorf("keys %q, want %q", d.Keys, want)
	}
	want := map[string][]string{"title": {"cup", "tea"}, "shelf": {"A B"}, "to": {"bob"}, "days": {"14"}}
	if !reflect.DeepEqual(d.Values, want) {
		t.Errorf("values %q, want %q", d.Values, want)
	}
	long := c.Describe(&bus.Message{Topic: "org.example.prod.library.lent.bob",
		Body: body(t, `{"shelf": "`+strings.Repeat("x", 300)+`"}`)})
	if keys := long.Digest().Keys; keys[0] != "" {
		t.Errorf("a key of 300 bytes gives %q", keys[0])
	}
	unknown := func(topic, agent string) string {
		return c.Describe(&bus.Message{Topic: topic, Body: body(t, `{"agent": "`+agent+`"}`)}).Digest().Keys[0]
	}
	first := unknown("org.example.prod.tea.boiled", "alice")
	if again := unknown("org.example.prod.tea.boiled", "alice"); again != first ||
		first == unknown("org.example.prod.tea.drunk", "alice") || first == unknown("org.example.prod.tea.boiled", "bob") {
		t.Error("unknown messages belong together by topic and actor")
	}
	about := func(event, who string) string {
		return c.Describe(&bus.Message{Topic: "org.example.prod.cauldron.ticket." + event, Body: body(t,
			`{"agent": "`+who+`", "ticket": {"id": 7, "project": "infra", "title": "Cold"}}`)}).Digest().Keys[0]
	}
	if opened := about("opened", "alice"); opened != about("closed", "bob") {
		t.Error("unknown messages about one ticket belong together")
	}
	if d := (&Event{Message: &bus.Message{}}).Digest(); d.Keys != nil {
		t.Errorf("an event of no catalogue has %+v", d)
	}
}
