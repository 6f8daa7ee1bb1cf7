package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/mail"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// startSMTP runs a mail server in the test's process until the test ends.
func startSMTP(t *testing.T, options fakesmtp.Options) *fakesmtp.Server {
	t.Helper()
	options.Keep = 1 << 20
	smtp, err := fakesmtp.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := smtp.Run(ctx); err != nil {
			t.Errorf("mail server: %v", err)
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return smtp
}

// givePreferences makes the user alice with a filter that sends every message by mail at once.
func givePreferences(t *testing.T, dsn string) {
	t.Helper()
	withDatabase(t, dsn, func(d *migrations.DB) error {
		store := openPrefs(d)
		alice, err := store.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org")
		if err != nil {
			return err
		}
		defaults, err := store.Filters.List(t.Context(), alice.ID)
		if err != nil {
			return err
		}
		for _, f := range defaults {
			if err := store.Filters.Delete(t.Context(), alice.ID, f.ID); err != nil {
				return err
			}
		}
		_, err = store.Filters.Save(t.Context(), alice.ID, prefs.Filter{
			Filter: rulespec.Filter{Name: "Everything", Rules: []rulespec.Rule{{Kind: "everything"}}}, On: true,
		})
		return err
	})
}

// openPrefs returns the preferences in a database.
func openPrefs(d *migrations.DB) *prefs.Store {
	return prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
		ClaimedNames: func() bool { return true }})
}

func withDatabase(t *testing.T, dsn string, f func(*migrations.DB) error) {
	t.Helper()
	d, err := migrations.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := f(d); err != nil {
		t.Fatal(err)
	}
}

func parseMail(t *testing.T, text []byte) *mail.Message {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("the mail cannot be read: %v\n%s", err, text)
	}
	return m
}
