package daemon

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// knowGit stores that the service git has said something each minute for nine weeks, and that alice wants to be told of
// silences.
func knowGit(t *testing.T, dsn string, now time.Time) {
	t.Helper()
	d, err := migrations.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w := pace.NewWatch(pace.Config{})
	var heard []pace.Minute
	for m := now.Unix()/60 - 9*7*1440; m < now.Unix()/60; m++ {
		heard = append(heard, pace.Minute{At: m, Messages: 1})
	}
	w.Learn(pace.ServiceOf("org.example.test.git.x"), heard, func(int64) bool { return true }, now)
	rows, _ := w.Rows(true)
	s := history.NewStore(d.Writer, d.Reader, time.Now)
	err = d.Writer.Transaction(func(tx *gorm.DB) error {
		r := rows[0]
		return s.SavePaces(tx, []history.Pace{{What: r.What, Under: r.Under, Name: r.Name, Heard: r.Last, Record: r.Record}})
	})
	if err != nil {
		t.Fatal(err)
	}
	store := openPrefs(d)
	alice, err := store.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org")
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Filters.Save(t.Context(), alice.ID, prefs.Filter{On: true, Filter: rulespec.Filter{Name: "Silences",
		Rules: []rulespec.Rule{{Kind: "kind", Args: rulespec.Args{"name": {"notifyd.source.silent"}}}, {Kind: "signed"}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSilentServiceIsMailed lets a clock run for half an hour in which a busy service says nothing.
func TestSilentServiceIsMailed(t *testing.T) {
	start := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	dsn := filepath.Join(t.TempDir(), "notifyd.db")
	knowGit(t, dsn, start)
	smtp, err := fakesmtp.Open(fakesmtp.Options{Keep: 10})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- smtp.Run(ctx) }()
	host, port, err := net.SplitHostPort(smtp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	f, err := config.Read(writeFile(t, t.TempDir(), "notifyd.yaml", "database: {dsn: '"+dsn+"'}", "web: {listen: ''}",
		"metrics: {listen: ''}", "backends: {email: {host: "+host+", port: "+port+", tls: none, from: n@example.org}}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var minutes atomic.Int64
	clock := func() time.Time { return start.Add(time.Duration(minutes.Load()) * time.Minute) }
	s, err := Open(ctx, f, Env{Now: clock, Stderr: io.Discard, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	go func() { ended <- s.Run(ctx) }()
	for range 30 {
		minutes.Add(1)
		s.silences.Look(ctx)
	}
	exectest.Eventually(t, 20*time.Second, "a mail says that git is silent", func() bool {
		for _, m := range smtp.Messages() {
			text := strings.ReplaceAll(string(m.Data), "=\r\n", "")
			if strings.Contains(text, "The service git of org.example.test is silent since 2026-03-08 23:59:00 UTC") {
				return true
			}
		}
		return false
	})
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
