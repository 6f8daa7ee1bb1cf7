package main

import (
	"fmt"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// A listServer is a private Postfix, whose aliases run notifyd: bugs is the list, and alice has a Maildir and, as if
// she forwarded all to the list, the same command.
type listServer struct {
	*exectest.Postfix
	database             string
	busPort, metricsPort int
}

// serve starts the daemon that takes what the aliases hand over, and mails by the same Postfix.
func (p *listServer) serve(t *testing.T) *exectest.Child {
	t.Helper()
	config := writeFile(t, p.Folder, "notifyd.yaml", "database: {dsn: "+p.database+"}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", p.metricsPort),
		"outbox: {retry_first: 200ms, retry_most: 1s, poll: 500ms}",
		fmt.Sprintf("bus: {http: {listen: '127.0.0.1:%d', senders: {lists: {token_file: %s, topics: [org.debian.dev]}}}}",
			p.busPort, filepath.Join(p.Folder, "token")),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}", p.Port))
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, p.metricsPort)
	return daemon
}

func newListServer(t *testing.T) *listServer {
	t.Helper()
	p := &listServer{Postfix: exectest.NewPostfix(t), busPort: exectest.FreePort(t), metricsPort: exectest.FreePort(t)}
	p.database = filepath.Join(p.Folder, "notifyd.db")
	binary := filepath.Join(p.Folder, "notifyd")
	runTool(t, "cp", buildNotifyd(t), binary)
	token := writeFile(t, p.Folder, "token", "sesame-sesame-sesame")
	runTool(t, "chmod", "644", token)
	p.configure(t, fmt.Sprintf(`"|%s mail receive --bus --url http://127.0.0.1:%d --token-file %s %s"`,
		binary, p.busPort, token, "--prefix org.debian.dev --wait 2s"))
	p.Start(t)
	return p
}

// configure writes Postfix's files: what waits is tried again every second.
func (p *listServer) configure(t *testing.T, command string) {
	t.Helper()
	aliases := writeFile(t, p.Etc, "aliases", "bugs: "+command, "alice: "+p.Folder+"/mail/inbox/, "+command,
		"notifyd: /dev/null")
	p.Configure(t, map[string]string{
		"mydestination": "example.org", "smtputf8_enable": "no", "alias_maps": "hash:" + aliases,
		"alias_database": "hash:" + aliases, "local_recipient_maps": "", "minimal_backoff_time": "1s",
		"maximal_backoff_time": "1s", "queue_run_delay": "1s",
	})
	runTool(t, "chmod", "-R", "a+rX", p.Etc)
	runTool(t, "postalias", "-c", p.Etc, "hash:"+aliases)
}

func runTool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// send hands a mail to Postfix, for the list.
func (p *listServer) send(t *testing.T, text string) {
	t.Helper()
	err := smtp.SendMail(fmt.Sprintf("127.0.0.1:%d", p.Port), nil, "owner@bugs.example.org", []string{"bugs@example.org"},
		[]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
}

// waitLog waits until Postfix has logged what is expected.
func (p *listServer) waitLog(t *testing.T, what string, expected ...string) {
	t.Helper()
	exectest.Eventually(t, time.Minute, what, func() bool {
		return !slices.ContainsFunc(expected, func(e string) bool { return !regexp.MustCompile(e).MatchString(p.Text()) })
	})
}

// waitNotices waits until so many notices are in the Maildir, and gives them.
func (p *listServer) waitNotices(t *testing.T, n int) string {
	t.Helper()
	var all []string
	exectest.Eventually(t, time.Minute, fmt.Sprintf("%d notices in the Maildir", n), func() bool {
		files, _ := filepath.Glob(filepath.Join(p.Folder, "mail", "inbox", "new", "*"))
		all = nil
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil {
				all = append(all, string(text))
			}
		}
		return len(all) >= n
	})
	if len(all) != n {
		t.Errorf("%d notices, want %d: %q", len(all), n, all)
	}
	return strings.Join(all, "\n")
}

// waitEmpty waits until Postfix has handed over all mails. It asks for it each time: by itself Postfix may look again
// only after minutes.
func (p *listServer) waitEmpty(t *testing.T) {
	t.Helper()
	exectest.Eventually(t, time.Minute, "Postfix has handed over all mails", func() bool {
		runTool(t, "postqueue", "-c", p.Etc, "-f")
		out, err := exec.Command("postqueue", "-c", p.Etc, "-j").CombinedOutput()
		if err != nil {
			t.Fatalf("postqueue: %v: %s", err, out)
		}
		return len(out) == 0
	})
}
