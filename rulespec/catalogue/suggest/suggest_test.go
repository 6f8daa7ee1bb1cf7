package suggest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/suggest"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
)

func embedded(t testing.TB) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func draftsOf(t *testing.T, lines ...json.RawMessage) []suggest.Draft {
	t.Helper()
	s := suggest.New(embedded(t))
	for _, line := range lines {
		m, err := bus.DecodeLine(line, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		s.Add(m)
	}
	return s.Drafts()
}

// ofNobody gives a message with an application that no catalogue knows.
func ofNobody(t *testing.T, line []byte) json.RawMessage {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	topic, _ := m["topic"].(string)
	title := topics.Divide(topic).Title
	m["topic"] = strings.TrimSuffix(topic, title) + "draft-" + title
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func check(d suggest.Draft) []error {
	return catalogue.Check(fstest.MapFS{d.App + ".yaml": {Data: []byte(d.Text)}})
}

func TestSuggestionsAreValid(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	entries := 0
	for _, file := range files {
		for _, d := range draftsOf(t, fixturesOf(t, file)...) {
			entries += d.Entries
			for _, m := range check(d) {
				t.Errorf("%v\n%s", m, d.Text)
			}
		}
	}
	if entries < 300 {
		t.Errorf("only %d entries were drafted", entries)
	}
}

func TestSuggest(t *testing.T) {
	drafts := draftsOf(t,
		json.RawMessage(`{"topic":"org.example.prod.kettle.job.17.failed","msg":{"agent":"alice","job":{"id":17,"nvr":"tea-1.2-3","weird-key":"x"},"owner":"bob@example.org","url":"https://kettle.example.org/17","builds":[{"package":"cup"}],"title":"It's cold"}}`),
		json.RawMessage(`{"topic":"org.example.prod.kettle.job.18.failed","msg":{}}`),
		json.RawMessage(`{"topic":"org.example.prod.pot.empty","msg":null}`),
		json.RawMessage(`{"topic":"org.example.prod.POT.empty","msg":null}`))
	if len(drafts) != 2 || drafts[0].App != "kettle" || drafts[1].App != "pot" {
		t.Fatalf("got %+v", drafts)
	}
	for _, want := range []string{"# seen 2 times", "topic: 'kettle.job.{word3}.failed'", "kind: kettle.job.failed",
		"who: 'person(msg.agent)'", "by: 'account(msg.agent)'", "actor: by", "keyword: build",
		"nvr_name(msg.job.nvr)", "map(msg.builds, .package)", `'"build/" + msg.job.nvr'`, `'"job/kettle/" + msg.job.id'`, "severity: error",
		`link: '{{url .msg.url}}'`, `It''s cold`} {
		if !strings.Contains(drafts[0].Text, want) {
			t.Errorf("the draft lacks %s:\n%s", want, drafts[0].Text)
		}
	}
	c, err := catalogue.Load(fstest.MapFS{"kettle.yaml": {Data: []byte(drafts[0].Text)}})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := bus.DecodeLine([]byte(`{"topic":"org.example.prod.kettle.job.17.failed","msg":{"agent":"alice","job":{"id":17,"nvr":"tea-1.2-3"},"title":"It's cold"}}`), time.Unix(0, 0))
	if got, want := c.Describe(m).Prose().Summary, "alice: kettle job 17 failed for tea: It's cold"; got != want {
		t.Errorf("sentence %q, want %q", got, want)
	}
}

func TestSuggestDrawsTopicsTogether(t *testing.T) {
	var lines []json.RawMessage
	for _, word := range strings.Fields("red green blue white black") {
		lines = append(lines, json.RawMessage(`{"topic":"kettle.`+word+`.boiled","msg":{}}`))
	}
	drafts := draftsOf(t, lines...)
	if len(drafts) != 1 || drafts[0].Entries != 1 || !strings.Contains(drafts[0].Text, "kettle.{word2}.boiled") {
		t.Errorf("got %+v", drafts)
	}
	drafts = draftsOf(t, lines[:3]...)
	if len(drafts) != 1 || drafts[0].Entries != 3 {
		t.Errorf("got %+v", drafts)
	}
}

// However many events an application has, each is a kind, and who did each is found though each has a field of its own.
func TestSuggestKeepsEventsApart(t *testing.T) {
	doers := map[string]string{"patchset-created": "uploader", "change-merged": "submitter", "change-abandoned": "abandoner",
		"change-restored": "restorer", "comment-added": "author", "reviewer-deleted": "reviewer", "topic-changed": "changer",
		"change-deleted": "deleter"}
	var lines []json.RawMessage
	for event, doer := range doers {
		lines = append(lines, json.RawMessage(`{"topic":"org.example.prod.crane.`+event+`","msg":{"type":"`+event+
			`","change":{"number":7,"project":"acme/tool","subject":"Brew","url":"https://crane.example.org/7"},"`+doer+
			`":{"username":"alice"}}}`))
	}
	drafts := draftsOf(t, lines...)
	if len(drafts) != 1 || drafts[0].Entries != len(doers) {
		t.Fatalf("got %+v", drafts)
	}
	for event, doer := range doers {
		if !strings.Contains(drafts[0].Text, "kind: crane."+event+"\n") || !strings.Contains(drafts[0].Text, "msg."+doer) {
			t.Errorf("%s by its %s is not there:\n%s", event, doer, drafts[0].Text)
		}
	}
	c, err := catalogue.Load(fstest.MapFS{"crane.yaml": {Data: []byte(drafts[0].Text)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		m, err := bus.DecodeLine(line, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		if e := c.Describe(m); e.Actor != "alice" || strings.Join(e.Objects, " ") != "change/crane/acme/tool/7" {
			t.Errorf("%s: actor %q, objects %q", e.Kind, e.Actor, e.Objects)
		}
	}
}

// TestSuggestOnTheCorpus drafts what messages of real buses would need. The corpus is not part of the program.
func TestSuggestOnTheCorpus(t *testing.T) {
	files, _ := filepath.Glob("../../../../shared/corpus/fedora-*.jsonl")
	if len(files) == 0 {
		t.Skip("needs ../shared/corpus")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lines []json.RawMessage
		for line := range strings.Lines(string(data)) {
			lines = append(lines, ofNobody(t, []byte(line)))
		}
		for _, d := range draftsOf(t, lines...) {
			if mistakes := check(d); len(mistakes) > 0 {
				t.Errorf("%s: %v", filepath.Base(file), mistakes)
			}
		}
	}
}

// FuzzSuggest: whatever a message holds, its draft is one that check accepts and that describes the message.
func FuzzSuggest(f *testing.F) {
	f.Add("kettle.job.17.failed",
		`{"agent":"alice","owner":{"name":"bob"},"job":{"id":17,"nvr":"tea-1.2-3"},"url":"https://kettle.example.org/17"}`)
	f.Add("kettle.it's", `{"users":[{"name":"a'b"}],"in":{"user":"x"},"a b":{"user":"\u0085"},"a\"b":{"package":"<x>"},"#":{"id":"\\"}}`)
	f.Add("kettle.on", `{"packages":[["x"]],"user":[{"name":{}}],"builds":[{"owner":[{"name":"x"}],"in":{"nvr":"a-1-1"}}],"user\n":{"title":"{{"}}`)
	f.Add("kettle.on.é.", `{"_id":1,"x_id":"\ufeff","get":{"number":-1},"title":"- - -: #","link":"http://x/'"}`)
	f.Fuzz(func(t *testing.T, topic, msg string) {
		line, err := json.Marshal(map[string]any{"topic": topic, "msg": json.RawMessage(msg)})
		if err != nil || len(line) > 4000 {
			return
		}
		m, err := bus.DecodeLine(line, time.Unix(0, 0))
		if err != nil {
			return
		}
		s := suggest.New(embedded(t))
		s.Add(m)
		for _, d := range s.Drafts() {
			c, err := catalogue.Load(fstest.MapFS{"f.yaml": {Data: []byte(d.Text)}})
			if err != nil {
				t.Fatalf("%v\n%s", err, d.Text)
			}
			if e := c.Describe(m); strings.HasSuffix(e.Kind, ".unknown") || e.Prose().Summary == "" {
				t.Errorf("%s %q\n%s", e.Kind, e.Prose().Summary, d.Text)
			}
		}
	})
}

// A field is the link because it holds a whole URL, whatever it is called; one that is called so goes before.
func TestSuggestKnowsALinkByItsValue(t *testing.T) {
	for body, want := range map[string]string{
		`{"page":"https://ferry.example.org/7","captain":"alice"}`:                     "{{url .msg.page}}",
		`{"pier":"https://ferry.example.org/7","job":{"url":"https://example.org/7"}}`: "{{url .msg.job.url}}",
		`{"crossing":{"pier":"https://ferry.example.org/7"}}`:                          "{{url .msg.crossing.pier}}",
		`{"avatar":"https://ferry.example.org/7.png","pier":"see https://x.org/"}`:     "",
		`{"owner":"http://alice.id.fedoraproject.org/"}`:                               "",
		`{"title":"https://ferry.example.org/7"}`:                                      "{{url .msg.title}}",
	} {
		drafts := draftsOf(t, json.RawMessage(`{"topic":"org.example.prod.ferry.crossing.cancelled","msg":`+body+`}`))
		if len(drafts) != 1 {
			t.Fatalf("got %+v", drafts)
		}
		if text := drafts[0].Text; want == "" && strings.Contains(text, "link: '{{") || !strings.Contains(text, want) {
			t.Errorf("%s: want %q in\n%s", body, want, text)
		}
		for _, m := range check(drafts[0]) {
			t.Errorf("%s: %v", body, m)
		}
	}
}
