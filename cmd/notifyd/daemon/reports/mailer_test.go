package reports_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email"
	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/reports"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// A node is a mailer on a database that others may share, with a clock that the test sets.
type node struct {
	*reports.Mailer
	now *time.Time
	log *exectest.Log
}

var meaning = sync.OnceValues(catalogue.Embedded)

func newNode(t *testing.T, db *migrations.DB, now *time.Time, mail ...reports.Mail) *node {
	t.Helper()
	cat, err := meaning()
	if err != nil {
		t.Fatal(err)
	}
	set, err := report.Load(nil, rulespec.Env{KnowsKind: cat.KnownKinds()})
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return *now }
	n := &node{now: now, log: &exectest.Log{}}
	store := history.NewStore(db.Writer, db.Reader, clock)
	n.Mailer = &reports.Mailer{Mail: mail, Set: func() *report.Set { return set }, DB: db.Writer,
		Public: func() readers.Sources { return readers.Sources{} },
		Desk:   report.NewDesk(report.Config{Store: store, Describe: cat.Describe, KindName: cat.KindNames(), Now: clock}),
		Outbox: outbox.New(db.Writer, db.Reader, db.Postgres, outbox.Config{}, clock, rand.Reader),
		Email:  email.Info, BaseURL: "https://notify.example.org", Now: clock, Log: slog.New(slog.NewTextHandler(n.log, nil))}
	return n
}

// owed gives the messages and addresses of what is stored, in its order.
func (n *node) owed(t *testing.T) (all []string) {
	t.Helper()
	found, err := n.Outbox.Find(t.Context(), outbox.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		all = append([]string{e.Message + " " + e.Address}, all...)
		if strings.Contains(e.Destination, "@") {
			t.Errorf("the log would show an address: %s", e.Destination)
		}
	}
	return all
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// TestMailedOnce: when it is due by the clock of the zone, once for all nodes and restarts, and late by a day at most.
func TestMailedOnce(t *testing.T) {
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		now := at("2026-03-29T10:00:00Z") // Sunday, the clocks went forward
		mail := reports.Mail{Report: "this-week", To: []string{"list@example.org", "bob@example.org"}, At: "mon 07:00",
			Zone: "Europe/Berlin"}
		n := newNode(t, db, &now, mail)
		if next := n.Step(t.Context()); !next.Equal(at("2026-03-30T05:00:00Z")) || len(n.owed(t)) > 0 {
			t.Errorf("on Sunday: %v, the next at %s", n.owed(t), next)
		}
		now = at("2026-03-30T05:00:00Z")
		var both sync.WaitGroup
		for range 2 { // two nodes
			other := newNode(t, db, &now, mail)
			both.Go(func() { other.Step(t.Context()) })
		}
		both.Wait()
		n.Step(t.Context())
		const first = "report:this-week:week:2026-03-23 list@example.org"
		if got := n.owed(t); len(got) != 2 || !strings.Contains(fmt.Sprint(got), first) {
			t.Errorf("%q", got)
		}
		now = at("2026-04-07T05:30:00Z") // a day and a half hour after the next
		n.Step(t.Context())
		if got := n.owed(t); len(got) != 2 {
			t.Errorf("too late: %q", got)
		}
		now = at("2026-04-14T04:00:00Z") // 23 hours late
		n = newNode(t, db, &now, mail)
		if next := n.Step(t.Context()); !next.Equal(at("2026-04-20T05:00:00Z")) {
			t.Errorf("the next at %s", next)
		}
		n.Step(t.Context())
		if got := n.owed(t); len(got) != 4 || !strings.Contains(fmt.Sprint(got), ":2026-04-06 bob@example.org") {
			t.Errorf("%q", got)
		}
	})
}

// TestMailArrives: the report of the messages of a week is in the mailbox, in both forms.
func TestMailArrives(t *testing.T) {
	db := migratest.Copy(t)
	now := at("2026-03-02T12:00:00Z")
	n := newNode(t, db, &now, reports.Mail{Report: "this-week", To: []string{"list@example.org"}, At: "07:00"})
	keep(t, db, &now, "org.example.prod.wiki.article.edit", map[string]any{"user": "alice", "title": "<b>Tea</b>"})
	now = at("2026-03-08T07:00:30Z") // every day is a time to mail, but a week ends only once
	if n.Step(t.Context()); len(n.owed(t)) > 0 {
		t.Errorf("before the week is over: %q", n.owed(t))
	}
	now = at("2026-03-09T07:00:30Z")
	n.Step(t.Context())
	server, err := fakesmtp.Open(fakesmtp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	backend, err := email.New(email.Config{Host: "127.0.0.1", Port: server.Addr().Port, TLS: email.TLSNone,
		From: "notifyd@example.org"}, slog.New(slog.DiscardHandler), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- server.Run(ctx) }()
	go func() { done <- n.Outbox.Run(ctx, map[string]backends.Backend{"email": backend}) }()
	waiting, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	got, err := server.Wait(waiting, 1)
	stop()
	if err = errors.Join(err, <-done, <-done); err != nil {
		t.Fatal(err)
	}
	if err := db.Writer.Exec("DELETE FROM deliveries").Error; err != nil { // as outbox.keep_done does in the end
		t.Fatal(err)
	}
	now = at("2026-03-10T07:00:30Z")
	if n.Step(t.Context()); len(n.owed(t)) > 0 {
		t.Errorf("mailed once more: %q", n.owed(t))
	}
	mail := strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(got[0].Data))
	for _, want := range []string{"Subject: The week: Mon 2 Mar 2026 to Sun 8 Mar 2026 (UTC)", "To: <list@example.org>",
		"List-Id: report-this-week notices <report-this-week.example.org>", "Precedence: bulk", "Message-ID: <p.",
		"Most active people", "  alice         1", "scope=\"row\" align=\"left\">alice</th>",
		"https://notify.example.org/reports/this-week?of=2026-03-02", "(07:00, UTC)"} {
		if !strings.Contains(mail, want) {
			t.Errorf("the mail lacks %q:\n%s", want, mail)
		}
	}
}

// TestFailureIsLoggedOnce: a report that is gone is said once, and tried again.
func TestFailureIsLoggedOnce(t *testing.T) {
	now := at("2026-03-02T12:00:00Z")
	mail := reports.Mail{Report: "nothing", To: []string{"list@example.org"}, At: "07:00"}
	n := newNode(t, migratest.Copy(t), &now, mail)
	n.Step(t.Context())
	n.Step(t.Context())
	if got := strings.Count(n.log.String(), "there is no report"); got != 1 {
		t.Errorf("it is said %d times:\n%s", got, n.log)
	}
}

// TestSettings: mistakes are named by their keys.
func TestSettings(t *testing.T) {
	good := func() reports.Settings {
		s := reports.Defaults()
		s.Mail = []reports.Mail{{Report: "this-week", To: []string{"a@example.org"}, At: "mon,thu 07:00",
			Zone: "Europe/Berlin"}}
		return s
	}
	for want, change := range map[string]func(*reports.Settings){
		"":                                   func(*reports.Settings) {},
		`reports.readers: "all"`:             func(s *reports.Settings) { s.Readers = "all" },
		"reports.check: 0s":                  func(s *reports.Settings) { s.Check = 0 },
		"reports.mail[0].report: empty":      func(s *reports.Settings) { s.Mail[0].Report = "" },
		"reports.mail[0].to: 0 addresses":    func(s *reports.Settings) { s.Mail[0].To = nil },
		`reports.mail[0].at: "monday 07:00"`: func(s *reports.Settings) { s.Mail[0].At = "monday 07:00" },
		`reports.mail[0].at: "mon"`:          func(s *reports.Settings) { s.Mail[0].At = "mon" },
		`reports.mail[0].at: "25:00"`:        func(s *reports.Settings) { s.Mail[0].At = "25:00" },
		`reports.mail[0].at: ""`:             func(s *reports.Settings) { s.Mail[0].At = "" },
		`reports.mail[0].zone: "Mars"`:       func(s *reports.Settings) { s.Mail[0].Zone = "Mars" },
	} {
		s := good()
		change(&s)
		if err := s.CheckSettings(); want == "" && err != nil || want != "" && !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	none := func(string) bool { return false }
	for want, err := range map[string]error{
		"expected a section backends.email": good().CheckMail(none, nil),
		`there is no report "this-week"`:    good().CheckMail(none, &email.Info),
		"reports.mail[0].to":                withAddress(good(), "nobody").CheckMail(none, &email.Info),
	} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func withAddress(s reports.Settings, address string) reports.Settings {
	s.Mail[0].To = []string{address}
	return s
}

// keep stores a message that is sent now.
func keep(t *testing.T, db *migrations.DB, now *time.Time, topic string, body any) {
	t.Helper()
	cat, err := meaning()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(map[string]any{"topic": topic, "msg_id": "2026-1", "msg": body})
	if err != nil {
		t.Fatal(err)
	}
	m, err := bus.Decode(bus.Frame{Source: "test", Topic: topic, Payload: payload}, *now)
	if err != nil {
		t.Fatal(err)
	}
	store := history.NewStore(db.Writer, db.Reader, func() time.Time { return *now })
	err = db.Writer.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
		_, err := store.Append(tx, []*catalogue.Event{cat.Describe(m)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
