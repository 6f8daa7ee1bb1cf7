package report_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// monday is the beginning of the week that the tests are about.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

var embeddedCatalogue = sync.OnceValues(catalogue.Embedded)

// An archive is a history in a database, with a clock that the test sets.
type archive struct {
	t       *testing.T
	db      *migrations.DB
	store   *history.Store
	meaning *catalogue.Catalogue
	now     time.Time
	n       int
}

func newArchive(t *testing.T, db *migrations.DB) *archive {
	t.Helper()
	meaning, err := embeddedCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{t: t, db: db, meaning: meaning, now: monday.AddDate(0, 0, 7)}
	a.store = history.NewStore(db.Writer, db.Reader, func() time.Time { return a.now })
	return a
}

// keep stores messages as the router does.
func (a *archive) keep(messages ...*bus.Message) {
	a.t.Helper()
	for len(messages) > 0 {
		part := messages[:min(len(messages), 200)]
		messages = messages[len(part):]
		var events []*catalogue.Event
		for _, m := range part {
			events = append(events, a.meaning.Describe(m))
		}
		err := a.db.Writer.WithContext(a.t.Context()).Transaction(func(tx *gorm.DB) error {
			_, err := a.store.Append(tx, events)
			return err
		})
		if err != nil {
			a.t.Fatal(err)
		}
	}
}

// message makes a message that was sent at a time.
func (a *archive) message(at time.Time, topic string, body map[string]any) *bus.Message {
	a.t.Helper()
	a.n++
	payload, err := json.Marshal(map[string]any{"topic": topic, "msg_id": fmt.Sprint("2026-", a.n), "msg": body,
		"timestamp": float64(at.UnixMilli()) / 1000})
	if err != nil {
		a.t.Fatal(err)
	}
	m, err := bus.Decode(bus.Frame{Source: "test", Topic: topic, Payload: payload}, at)
	if err != nil {
		a.t.Fatal(err)
	}
	return m
}

func (a *archive) desk() *report.Desk {
	return report.NewDesk(report.Config{Store: a.store, Describe: a.meaning.Describe, KindName: a.meaning.KindNames(),
		Now: func() time.Time { return a.now }})
}

// parse reads a report that has no mistake.
func parse(t *testing.T, source string) *report.Report {
	t.Helper()
	r, err := report.Parse(rulespec.Env{}, "test.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func builtIn(t *testing.T, name string) *report.Report {
	t.Helper()
	meaning, err := embeddedCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	set, err := report.Load(nil, rulespec.Env{KnowsKind: meaning.KnownKinds()})
	if err != nil {
		t.Fatal(err)
	}
	return set.Find(name)
}

// corpora loads the messages of the real buses that we have, spread over the week.
func (a *archive) corpora() {
	a.t.Helper()
	folder := filepath.Join("..", "..", "..", "shared", "corpus")
	if _, err := os.Stat(folder); err != nil {
		a.t.Skip("needs ../shared/corpus")
	}
	var all []*bus.Message
	for _, name := range []string{"fedora-classic.jsonl", "fedora-modern.jsonl", "wider.jsonl"} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			a.t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			var line struct {
				Topic string
				Msg   json.RawMessage
				Body  any
			}
			if json.Unmarshal(lines.Bytes(), &line) != nil || line.Topic == "" {
				continue
			}
			at := monday.Add(time.Duration(len(all)) * 11 * time.Minute)
			envelope := map[string]any{}
			if json.Unmarshal(line.Msg, &envelope) != nil || envelope["msg"] == nil {
				envelope = map[string]any{"msg": line.Body}
				if line.Body == nil {
					_ = json.Unmarshal(line.Msg, &envelope)
					envelope = map[string]any{"msg": envelope}
				}
			}
			body, _ := envelope["msg"].(map[string]any)
			all = append(all, a.message(at, line.Topic, body))
		}
	}
	a.keep(all...)
}
