package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
)

// owe is the script command that makes a database in which deliveries were given up.
func owe(ts *testscript.TestScript, _ bool, args []string) {
	d, err := migrations.Open(context.Background(), ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { ts.Check(d.Close()) }()
	store := openPrefs(d)
	o := outbox.New(d.Writer, d.Reader, false, outbox.Config{}, time.Now, rand.Reader)
	for _, name := range []string{"alice", "bob", "carol"} {
		_, err := store.Accounts.Register(context.Background(), name, "", "email", name+"@example.org")
		ts.Check(err)
	}
	add := func(message, destination, address, title, text string) {
		one := outbox.Delivery{Message: message, Destination: destination, Backend: "email", Address: address,
			DueAt: time.Now().Add(time.Hour), Hold: "quiet"}
		one.Notice = backends.Notice{Title: title, Text: text, Why: []backends.Reason{{Filter: "All my builds",
			Sentence: "When a build fails."}}}
		ts.Check(d.Writer.Transaction(func(tx *gorm.DB) error {
			_, err := o.Add(tx, []outbox.Delivery{one})
			return err
		}))
	}
	link := outbox.Account + "email:alice@example.org"
	add("account-1", link, "alice@example.org", "Your link to sign in", "")
	ts.Check(o.CancelOne(context.Background(), link, "554 blocked"))
	for i, destination := range []string{"3", "1", "2"} {
		add(fmt.Sprint("m", i+2), destination, []string{"carol", "alice", "bob"}[i]+"@example.org",
			fmt.Sprintf("Build %d failed", i+2), "")
		ts.Check(o.CancelOne(context.Background(), destination, map[string]string{"3": "552 quota", "1": "552 mailbox full",
			"2": "552 mailbox full"}[destination]))
	}
	ts.Check(store.Destinations.SetOn(context.Background(), 3, 3, false))
	add("m5", "1", "alice@example.org", "Build 5 failed", "")
	add("account-2", link, "alice@example.org", "Your link to sign in", "swordfish")
}

// TestResendBesideTheDaemon uses the command to send again the deliveries that a mail server refused, while the
// daemon runs on the same SQLite file.
func TestResendBesideTheDaemon(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "notifyd.db")
	givePreferences(t, dsn)
	smtp := startSMTP(t, fakesmtp.Options{})
	publisher := startOwnPublisher(t)
	config, port := stopConfig(t, dsn, publisher.Addr(), smtp.Addr().Port)
	withDatabase(t, dsn, func(d *migrations.DB) error {
		o := outbox.New(d.Writer, d.Reader, false, outbox.Config{}, time.Now, rand.Reader)
		for i := range 40 {
			err := d.Writer.Transaction(func(tx *gorm.DB) error {
				_, err := o.Add(tx, []outbox.Delivery{{Message: fmt.Sprint("m", i), Destination: "1", Backend: "email",
					Address: "alice@example.org",
					Notice:  backends.Notice{ID: fmt.Sprint("m", i), Title: fmt.Sprintf("Lost %02d.", i), Text: "x"}}})
				return err
			})
			if err != nil {
				return err
			}
		}
		return o.CancelOne(t.Context(), "1", "554 blocked")
	})
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, port)
	b := newBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", port))
	if numbers := b.get(t, "/metrics"); !strings.Contains(numbers,
		`notifyd_queue_depth{backend="email",state="dead"} 40`) {
		t.Error("the metrics do not count what was given up")
	}
	out, err := exec.Command(buildNotifyd(t), "--config", config, "queue", "resend", "--backend", "email").CombinedOutput()
	if err != nil || string(out) != "40 on their way again\n" {
		t.Fatalf("queue resend = %v: %s", err, out)
	}
	all := func() string {
		var text strings.Builder
		for _, m := range smtp.Messages() {
			text.Write(m.Data)
		}
		return text.String()
	}
	exectest.Eventually(t, 30*time.Second, "all arrive", func() bool {
		text := all()
		for i := range 40 {
			if !strings.Contains(text, fmt.Sprintf("Lost %02d.", i)) {
				return false
			}
		}
		return true
	})
	if n := len(smtp.Messages()); n > 5 {
		t.Errorf("%d mails, want one digest or a few", n)
	}
	if text := daemon.Text(); strings.Contains(text, "level=ERROR") || strings.Contains(text, "SQLITE_BUSY") {
		t.Errorf("the daemon is disturbed: %s", text)
	}
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}
