package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestMailComesBack: what comes back of a mail is handed to `notifyd mail receive`, as a mail system does. An answer is
// done and answered, a report switches the address off, and what cannot be taken now stays with the mail system.
func TestMailComesBack(t *testing.T) {
	for name, dsn := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "n.db") },
		"postgres": func(t *testing.T) string { return migratest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) { testMailComesBack(t, dsn(t)) })
	}
}

func testMailComesBack(t *testing.T, database string) {
	server := startSMTP(t, fakesmtp.Options{})
	giveUsers(t, database, "alice")
	port := exectest.FreePort(t)
	section := fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org, "+
		"bounces: {domain: b.example.org, replies: true}}}", server.Addr().Port)
	config := writeFile(t, t.TempDir(), "notifyd.yaml", "database: {dsn: '"+database+"'}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", port), "outbox: {poll: 500ms}", section)
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, port)
	run := func(stdin string, args ...string) (string, int) { return runCommand(t, config, stdin, args...) }
	if out, status := run("", "filter", "off", "1", "--reason", "too loud"); status != 0 {
		t.Fatal(out)
	}
	messages, err := server.Wait(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	sent := messages[0]
	if !regexp.MustCompile(`^b-[a-z2-7]{20,32}@b\.example\.org$`).MatchString(sent.From) {
		t.Fatalf("the sender of the envelope is %q", sent.From)
	}
	replyTo := regexp.MustCompile(`(?m)^Reply-To: <(r-[a-z2-7]+@b\.example\.org)>`).FindSubmatch(sent.Data)
	if replyTo == nil {
		t.Fatalf("no Reply-To in\n%s", sent.Data)
	}

	said := "From: " + sent.To[0] + "\nSubject: Re: off\nMessage-ID: <answer@example.org>\n\nhelp\n\n> quoted\n"
	out, status := run(said, "mail", "receive", "--to", string(replyTo[1]))
	if status != 0 || !strings.Contains(out, "answered") {
		t.Errorf("an answer: %d %s", status, out)
	}
	var answer fakesmtp.Message
	exectest.Eventually(t, 20*time.Second, "the answer is sent", func() bool {
		at := slices.IndexFunc(server.Messages(), func(m fakesmtp.Message) bool {
			return bytes.Contains(m.Data, []byte("Auto-Submitted: auto-replied"))
		})
		if at >= 0 {
			answer = server.Messages()[at]
		}
		return at >= 0
	})
	for _, want := range []string{"In-Reply-To: <answer@example.org>", "Subject: Re: off"} {
		if !bytes.Contains(answer.Data, []byte(want)) || bytes.Contains(answer.Data, []byte("Reply-To: <r-")) {
			t.Errorf("no %q in the answer\n%s", want, answer.Data)
		}
	}

	checkReport(t, run, sent.From)

	away := writeFile(t, t.TempDir(), "away.yaml", "database: {dsn: 'postgres://nobody@127.0.0.1:1/none'}", section)
	config = away
	if out, status := run(noSuchUser, "mail", "receive", "--to", sent.From); status != 75 {
		t.Errorf("a database that is away: %d %s", status, out)
	}
}

// runCommand runs notifyd with its standard input, and gives what it says and its exit status.
func runCommand(t *testing.T, config, stdin string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(buildNotifyd(t), append([]string{"--config", config}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	var status *exec.ExitError
	if errors.As(err, &status) {
		return string(out), status.ExitCode()
	}
	return string(out), 0
}

// noSuchUser is the report of a mail server that knows no such user.
const noSuchUser = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nContent-Type: multipart/report; " +
	"report-type=delivery-status; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n" +
	"Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n--x--\n"

// checkReport wants a report about the mail that was sent from an address to switch its destination off, once, and a
// forged one to do nothing.
func checkReport(t *testing.T, run func(stdin string, args ...string) (string, int), from string) {
	t.Helper()
	forged := strings.Replace(from, "b-", "b-a", 1)
	out, status := run(noSuchUser, "mail", "receive", "--to", forged)
	if status != 0 || !strings.Contains(out, "not ours") {
		t.Errorf("a forged report: %d %s", status, out)
	}
	for _, want := range []string{"the destination is off: it does not exist", "it was known"} {
		if out, status := run(noSuchUser, "mail", "receive", "--to", from); status != 0 || !strings.Contains(out, want) {
			t.Errorf("a report: %d %s; want %q", status, out, want)
		}
	}
	exectest.Eventually(t, 10*time.Second, "the address is off", func() bool {
		out, _ := run("", "destination", "list")
		return strings.Contains(out, "refused: it does not exist: 550 5.1.1 user unknown")
	})

	if out, _ := run("", "queue", "returned"); !regexp.MustCompile(`hard +1 of 1 destination\n`).MatchString(out) {
		t.Errorf("counted %q", out)
	}
}
