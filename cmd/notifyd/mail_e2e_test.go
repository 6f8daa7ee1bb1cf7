package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestMailsOfAList: a real Postfix hands each mail of a list to the command, by an alias; a filter mails the message
// on, through the same Postfix. While the daemon is down mails wait in Postfix's queue, and come once when it is there
// again. A notice that comes back by the alias is no message.
func TestMailsOfAList(t *testing.T) {
	p := newListServer(t)
	givePreferences(t, p.database)
	text := bugReport(t)
	p.send(t, text)
	p.waitLog(t, "the mail waits", `to=<bugs@example\.org>.*status=deferred`)
	daemon := p.serve(t)
	p.waitEmpty(t)
	p.waitNotices(t, 1)
	p.send(t, text) // again, as another member of the list
	p.send(t, strings.ReplaceAll(strings.Replace(text, "report 123456", "closed 123456", 1), "<1568901", "<1568902"))
	notices := p.waitNotices(t, 2)
	for _, want := range []string{"New bug of Alice Example (alice): Bug#123456: tea:", "https://bugs.debian.org/123456",
		"X-Notifyd-Package: tea"} {
		if !strings.Contains(notices, want) {
			t.Errorf("the notices lack %q: %s", want, notices)
		}
	}
	p.waitLog(t, "all mails of the list are handed over, and the notices came back",
		`(?s)(to=<bugs@example\.org>[^\n]*to command.*){3}`, `(?s)(to=<alice@example\.org>[^\n]*to command.*){2}`)
	p.waitEmpty(t)
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM: %s", status, daemon.Text())
	}
	ids := messageIDs(t, p.database)
	if len(ids) != 2 || !ids["mail:1568901.reportbug@kettle.example.org/123456"] {
		t.Errorf("the messages are %v", ids)
	}
}

// TestMailsWhileKilled kills the daemon again and again while Postfix hands mails over: each is stored once.
func TestMailsWhileKilled(t *testing.T) {
	p := newListServer(t)
	const mails, kills = 40, 4
	daemon := p.serve(t)
	text := bugReport(t)
	for n := range mails {
		p.send(t, strings.ReplaceAll(text, "<1568901", fmt.Sprintf("<%d", n)))
		switch n % (mails / kills) {
		case mails / kills / 2:
			pause(t, randomDuration(t, 30*time.Millisecond))
			daemon.Kill()
		case mails/kills - 1:
			p.waitLog(t, "mails wait", fmt.Sprintf(`(?s)(status=deferred.*){%d}`, n/(mails/kills)+1))
			daemon = p.serve(t)
		}
	}
	p.waitEmpty(t)
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM: %s", status, daemon.Text())
	}
	if ids, rows := len(messageIDs(t, p.database)), count(t, p.database, "SELECT count(*) FROM messages"); ids != mails ||
		rows != mails {
		t.Errorf("%d messages with %d ids are stored, want %d", rows, ids, mails)
	}
	t.Logf("%d kills: %d mails, of which Postfix deferred %d", kills, mails, strings.Count(p.Text(), "status=deferred"))
}

// bugReport is a mail of a bug tracker, of now.
func bugReport(t *testing.T) string {
	t.Helper()
	report, err := os.ReadFile("../../bus/mail/testdata/mails/debian-bug-report.eml")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(report), "\n") // without the line of a mailbox
	return regexp.MustCompile(`(?m)^Date: .*`).ReplaceAllString(text, "Date: "+time.Now().Format(time.RFC1123Z))
}

// TestArchiveOfAList: what a list had is in the history, once, and notifies of no more than what is new.
func TestArchiveOfAList(t *testing.T) {
	folder := t.TempDir()
	database := filepath.Join(folder, "notifyd.db")
	port, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	inbox := startSMTP(t, fakesmtp.Options{})
	token := writeFile(t, folder, "token", "sesame-sesame-sesame")
	config := writeFile(t, folder, "notifyd.yaml", "database: {dsn: "+database+"}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		fmt.Sprintf("bus: {http: {listen: '127.0.0.1:%d', senders: {lists: {token_file: %s, topics: [org.example]}}}}",
			port, token),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}",
			inbox.Addr().Port))
	givePreferences(t, database)
	archive := writeFile(t, folder, "mbox", "From a", "List-Id: <tea.example.org>", "Message-ID: <old@example.org>",
		"Date: Mon, 05 Jan 2026 10:00:00 +0000", "Subject: old", "", "Hot.", "",
		"From b", "List-Id: <tea.example.org>", "Message-ID: <undated@example.org>", "Subject: undated", "", "Hot.", "",
		"From c", "List-Id: <tea.example.org>", "Message-ID: <new@example.org>", "Subject: new",
		"Date: "+time.Now().Format(time.RFC1123Z), "", "Hot.")
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, metricsPort)
	for range 2 {
		out, err := exec.Command(buildNotifyd(t), "mail", "receive", "--bus", "--token-file", token, "--prefix",
			"org.example.prod", "--url", fmt.Sprintf("http://127.0.0.1:%d", port), archive).CombinedOutput()
		if err != nil || string(out) != "3 messages handed over\n" {
			t.Errorf("mail receive: %v: %s", err, out)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := inbox.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM: %s", status, daemon.Text())
	}
	notices := inbox.Messages()
	if len(notices) != 1 || !strings.Contains(string(notices[0].Data), "X-Notifyd-Message-Id: mail:new@example.org") {
		t.Errorf("%d notices: %+v", len(notices), notices)
	}
	if n := count(t, database, "SELECT count(*) FROM messages"); n != 3 {
		t.Errorf("%d messages are stored, want 3", n)
	}
}
