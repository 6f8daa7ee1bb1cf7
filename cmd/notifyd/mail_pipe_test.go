package main

import (
	"fmt"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestPostfixPipe: the recipe of doc/email.md. Postfix runs the command as nobody, which hands a report to the daemon.
func TestPostfixPipe(t *testing.T) {
	p := exectest.NewPostfix(t)
	server := startSMTP(t, fakesmtp.Options{})
	folder := t.TempDir()
	database := filepath.Join(folder, "n.db")
	giveUsers(t, database, "alice")
	port, lmtp := exectest.FreePort(t), exectest.FreePort(t)
	config := writeFile(t, folder, "notifyd.yaml", "database: {dsn: '"+database+"'}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", port), "outbox: {poll: 500ms}",
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org, "+
			"bounces: {domain: b.example.org, lmtp: '127.0.0.1:%d'}}}", server.Addr().Port, lmtp))
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, port)
	program, err := os.ReadFile(buildNotifyd(t))
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(p.Folder, "notifyd") // where nobody may read
	if err := os.WriteFile(own, program, 0o755); err != nil {
		t.Fatal(err)
	}
	p.Configure(t, map[string]string{"relay_domains": "b.example.org",
		"transport_maps":                      "inline:{ { b.example.org = notifyd: } }",
		"notifyd_destination_recipient_limit": "1"})
	master := filepath.Join(p.Etc, "master.cf")
	services, err := os.ReadFile(master)
	if err != nil {
		t.Fatal(err)
	}
	services = fmt.Appendf(services, "\nnotifyd unix - n n - 4 pipe flags=R user=nobody argv=%s mail receive "+
		"--lmtp 127.0.0.1:%d --to ${recipient}\n", own, lmtp)
	if err := os.WriteFile(master, services, 0o644); err != nil {
		t.Fatal(err)
	}
	p.Start(t)
	run := func(args ...string) string {
		out, _ := exec.Command(buildNotifyd(t), append([]string{"--config", config}, args...)...).CombinedOutput()
		return string(out)
	}
	run("filter", "off", "1", "--reason", "too loud")
	messages, err := server.Wait(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	report := "From: MAILER-DAEMON@mx.example.net\r\nTo: <" + messages[0].From + ">\r\nSubject: failure notice\r\n\r\n" +
		"Hi. This is the qmail-send program at mx.example.net.\r\n\r\n<a@example.net>:\r\n" +
		"Sorry, no mailbox here by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n"
	err = smtp.SendMail(fmt.Sprintf("127.0.0.1:%d", p.Port), nil, "", []string{messages[0].From}, []byte(report))
	if err != nil {
		t.Fatal(err)
	}
	exectest.Eventually(t, 30*time.Second, "the address is off", func() bool {
		return strings.Contains(run("destination", "list"), "refused: it does not exist")
	})
}
