package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon/reports"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestNodeUnderANewerSchema: a node ends in order when a newer notifyd has migrated the database, gives up what it
// holds, and does not start again.
func TestNodeUnderANewerSchema(t *testing.T) {
	dsn := migratest.Postgres(t)
	first, err := openTestService(t, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- first.Run(ctx) }()
	exectest.Eventually(t, 30*time.Second, "the node works", func() bool { return first.leases.Held("preferences") })
	err = first.db.Writer.Exec("INSERT INTO notifyd_schema (version_id, is_applied) VALUES (99999, true)").Error
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, migrations.ErrNewer) || ctx.Err() != nil {
		t.Errorf("Run = %v", err)
	}
	var held []string
	err = first.db.Reader.Raw("SELECT name FROM leases WHERE holder <> ''").Scan(&held).Error
	if err != nil || held != nil {
		t.Errorf("still held: %v, %v", held, err)
	}
	if _, err := openTestService(t, dsn); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("it starts again: %v", err)
	}
}

// TestSumsOfTheConfiguration: nodes see where another is configured in another way, and only there.
func TestSumsOfTheConfiguration(t *testing.T) {
	s, err := openTestService(t, migratest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := s.sums()
	for name, change := range map[string]func(*Settings){
		"history of the configuration":      func(set *Settings) { set.History.Rules = []historyRule{{Keep: time.Hour}} },
		"reports of the configuration":      func(set *Settings) { set.Reports.Mail = []reports.Mail{{Report: "x"}} },
		"web.base_url of the configuration": func(set *Settings) { set.Web.BaseURL += "/there" },
	} {
		was := s.settings
		change(&s.settings)
		if err := s.tune(s.settings); err != nil {
			t.Fatal(err)
		}
		for of, sum := range s.sums() {
			if (sum != before[of]) != (of == name) {
				t.Errorf("where %s changes %s is %s, before %s", name, of, sum, before[of])
			}
		}
		s.settings = was
		if err := s.tune(was); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNodeName: two runs of one process have two names.
func TestNodeName(t *testing.T) {
	dsn := migratest.Postgres(t)
	var names []string
	for range 2 {
		s, err := openTestService(t, dsn)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, s.leases.Node)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if names[0] == names[1] || !strings.HasPrefix(names[0], thisProcess()) {
		t.Errorf("names %q", names)
	}
}
