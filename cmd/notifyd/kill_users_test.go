package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// TestKilledWithSeveralUsersLosesNothing tests the same promise with four people, two addresses each, and four
// workers. On PostgreSQL, where another node may run, the sends of a killed node wait until their lease ends.
func TestKilledWithSeveralUsersLosesNothing(t *testing.T) {
	python := exectest.Python(t, "zmq")
	for name, dsn := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "notifyd.db") },
		"postgres": func(t *testing.T) string { return migratest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killWithSeveralUsers(t, python, dsn(t))
		})
	}
}

func killWithSeveralUsers(t *testing.T, python, database string) {
	const kills, workers = 10, 4
	smtp := startSMTP(t, fakesmtp.Options{})
	giveUsers(t, database, "alice", "bob", "carol", "dave")
	busPort, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	config := writeFile(t, t.TempDir(), "notifyd.yaml",
		"database: {dsn: '"+database+"'}",
		"web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		fmt.Sprintf("bus: {zmq: {endpoints: {load: 'tcp://127.0.0.1:%d'}}}", busPort),
		fmt.Sprintf("outbox: {workers: %d, cap: 0, poll: 1s, retry_first: 1s}", workers),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org, connections: %d}}",
			smtp.Addr().Port, workers),
	)
	serve := func() *exectest.Child {
		daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
		waitReady(t, daemon, metricsPort)
		return daemon
	}
	publisher := startPublisher(t, python, busPort)
	published := publisher.load(t, 30*time.Millisecond)
	for range kills {
		daemon := serve()
		pause(t, randomDuration(t, time.Second))
		daemon.Kill()
	}
	daemon := serve()
	pause(t, 500*time.Millisecond)
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM under load, want 0: %s", status, daemon.Text())
	}
	published()
	daemon = serve()
	exectest.Eventually(t, 180*time.Second, "everything owed is sent", func() bool { return owed(t, database) == 0 })
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0", status)
	}
	compareDeliveries(t, database, smtp, kills*workers)
}

// giveUsers makes users with two addresses each and a filter that sends every message by mail at once.
func giveUsers(t *testing.T, dsn string, names ...string) {
	t.Helper()
	withDatabase(t, dsn, func(d *migrations.DB) error {
		store := openPrefs(d)
		for _, name := range names {
			user, err := store.Accounts.Register(t.Context(), name, "", "email", name+"@example.org")
			if err != nil {
				return err
			}
			second, err := store.Destinations.Add(t.Context(), user.ID, "email", name+"@example.com")
			if err != nil {
				return err
			}
			code, err := store.Destinations.NewCode(t.Context(), user.ID, second.ID)
			if err != nil {
				return err
			}
			if err := store.Destinations.Confirm(t.Context(), user.ID, second.ID, code); err != nil {
				return err
			}
			everything := rulespec.Filter{Name: "Everything", Rules: []rulespec.Rule{{Kind: "everything"}}}
			if _, err := store.Filters.Save(t.Context(), user.ID, prefs.Filter{Filter: everything, On: true}); err != nil {
				return err
			}
		}
		return nil
	})
}

// compareDeliveries compares the committed deliveries, user by user, with the mails that the mail server received.
func compareDeliveries(t *testing.T, database string, smtp *fakesmtp.Server, mostRepeats int) {
	t.Helper()
	var committed []struct{ Message, Address string }
	withDatabase(t, database, func(d *migrations.DB) error {
		return d.Reader.Raw("SELECT c.message, l.address FROM deliveries d JOIN contents c ON c.id = d.content " +
			"JOIN lanes l ON l.id = d.lane WHERE l.backend = 'email'").Scan(&committed).Error
	})
	mails := map[[2]string][]string{} // the Message-IDs of a message at an address
	repeats := 0
	for _, m := range smtp.Messages() {
		header := parseMail(t, m.Data).Header
		key := [2]string{header.Get("X-Notifyd-Message-Id"), m.To[0]}
		mails[key] = append(mails[key], header.Get("Message-Id"))
		if n := len(mails[key]); n > 1 {
			repeats++
			if mails[key][n-1] != mails[key][0] {
				t.Errorf("%s came to %s with two Message-IDs", key[0], key[1])
			}
		}
	}
	for _, c := range committed {
		if len(mails[[2]string{c.Message, c.Address}]) == 0 {
			t.Errorf("%s was owed to %s and never came", c.Message, c.Address)
		}
	}
	if len(mails) != len(committed) {
		t.Errorf("%d different mails came, %d were owed", len(mails), len(committed))
	}
	if repeats > mostRepeats {
		t.Errorf("%d repeats; at most the mails in flight, %d, may repeat", repeats, mostRepeats)
	}
	if len(committed) < 100 {
		t.Errorf("only %d deliveries: the load was too small to show anything", len(committed))
	}
	t.Logf("%d owed, %d repeats", len(committed), repeats)
}
