package main

import (
	"context"
	"fmt"
	"net/smtp"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
	database := filepath.Join(p.folder, "notifyd.db")
	metricsPort := exectest.FreePort(t)
	config := writeFile(t, p.folder, "notifyd.yaml", "database: {dsn: "+database+"}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		"outbox: {retry_first: 200ms, retry_most: 1s, poll: 500ms}",
		fmt.Sprintf("bus: {http: {listen: '127.0.0.1:%d', senders: {lists: {token_file: %s, topics: [org.debian.dev]}}}}",
			p.busPort, filepath.Join(p.folder, "token")),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}", p.port))
	givePreferences(t, database)
	serve := func() *exectest.Child {
		daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
		waitReady(t, daemon, metricsPort)
		return daemon
	}
	report, err := os.ReadFile("../../bus/mail/testdata/mails/debian-bug-report.eml")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(report), "\n") // without the line of a mailbox
	text = regexp.MustCompile(`(?m)^Date: .*`).ReplaceAllString(text, "Date: "+time.Now().Format(time.RFC1123Z))

	p.send(t, text)
	p.waitLog(t, "the mail waits", `to=<bugs@example\.org>.*status=deferred`)
	daemon := serve()
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
	if queue := p.queue(t); queue != "" {
		t.Errorf("Postfix still has %s", queue)
	}
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM: %s", status, daemon.Text())
	}
	ids := messageIDs(t, database)
	if len(ids) != 2 || !ids["mail:1568901.reportbug@kettle.example.org/123456"] {
		t.Errorf("the messages are %v", ids)
	}
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

// A listServer is a private Postfix, whose aliases run notifyd: bugs is the list, and alice has a Maildir and, as if
// she forwarded all to the list, the same command.
type listServer struct {
	*exectest.Child
	folder, etc   string
	port, busPort int
}

func newListServer(t *testing.T) *listServer {
	t.Helper()
	const master = "/usr/lib/postfix/sbin/master"
	exectest.Program(t, master)
	if os.Getuid() != 0 && os.Getenv("NOTIFYD_REQUIRE") != "1" {
		t.Skip("needs root, to start Postfix")
	}
	p := &listServer{folder: t.TempDir(), port: exectest.FreePort(t), busPort: exectest.FreePort(t)}
	for d := p.folder; d != os.TempDir() && d != "/"; d = filepath.Dir(d) { // commands run as nobody
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.etc = filepath.Join(p.folder, "etc")
	for name, owner := range map[string]string{"etc": "root", "spool": "root", "lib": "postfix", "mail": "nobody"} {
		ownFolder(t, filepath.Join(p.folder, name), owner)
	}
	binary := filepath.Join(p.folder, "notifyd")
	runTool(t, "cp", buildNotifyd(t), binary)
	token := writeFile(t, p.folder, "token", "sesame-sesame-sesame")
	runTool(t, "chmod", "644", token)
	p.configure(t, fmt.Sprintf(`"|%s mail receive --bus --url http://127.0.0.1:%d --token-file %s %s"`,
		binary, p.busPort, token, "--prefix org.debian.dev --wait 2s"))
	runTool(t, "postfix", "-c", p.etc, "check")
	cmd := exec.Command(master, "-s", "-c", p.etc)
	cmd.Env = append(os.Environ(), "MAIL_CONFIG="+p.etc)
	p.Child = exectest.Start(t, cmd)
	t.Cleanup(func() { p.Stop(t) })
	p.Listening(t, fmt.Sprintf("127.0.0.1:%d", p.port))
	return p
}

// configure writes Postfix's files: nothing leaves this machine, and what waits is tried again every second.
func (p *listServer) configure(t *testing.T, command string) {
	t.Helper()
	for _, f := range []string{"dynamicmaps.cf", "postfix-files", "post-install", "postfix-script", "dynamicmaps.cf.d",
		"postfix-files.d"} {
		runTool(t, "cp", "-r", "/etc/postfix/"+f, p.etc)
	}
	aliases := writeFile(t, p.etc, "aliases", "bugs: "+command, "alice: "+p.folder+"/mail/inbox/, "+command,
		"notifyd: /dev/null")
	writeFile(t, p.etc, "main.cf", "compatibility_level = 3.6", "queue_directory = "+p.folder+"/spool",
		"data_directory = "+p.folder+"/lib", "mail_owner = postfix", "setgid_group = postdrop",
		"inet_interfaces = 127.0.0.1", "inet_protocols = ipv4", "myhostname = mx.test", "mydestination = example.org",
		"mynetworks = 127.0.0.0/8", "smtp_host_lookup = native", "disable_dns_lookups = yes",
		"default_transport = error:outside refused", "relay_transport = error:outside refused", "smtputf8_enable = no",
		"alias_maps = hash:"+aliases, "alias_database = hash:"+aliases, "local_recipient_maps =",
		"maillog_file = /dev/stdout", "minimal_backoff_time = 1s", "maximal_backoff_time = 1s", "queue_run_delay = 1s")
	services, err := os.ReadFile("/etc/postfix/master.cf")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(services), "\n")
	for i, l := range lines {
		switch fields := strings.Fields(l); {
		case strings.HasPrefix(l, "smtp ") && strings.HasSuffix(l, "smtpd"):
			lines[i] = fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd", p.port)
		case len(fields) > 7 && fields[4] == "y" && l[0] != '#':
			lines[i] = strings.Join(append(append(slices.Clone(fields[:4]), "n"), fields[5:]...), " ")
		}
	}
	writeFile(t, p.etc, "master.cf", lines...)
	runTool(t, "chmod", "-R", "a+rX", p.etc)
	runTool(t, "postalias", "-c", p.etc, "hash:"+aliases)
}

func runTool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func ownFolder(t *testing.T, folder, owner string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	u, err := user.Lookup(owner)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
}

// send hands a mail to Postfix, for the list.
func (p *listServer) send(t *testing.T, text string) {
	t.Helper()
	err := smtp.SendMail(fmt.Sprintf("127.0.0.1:%d", p.port), nil, "owner@bugs.example.org", []string{"bugs@example.org"},
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
		files, _ := filepath.Glob(filepath.Join(p.folder, "mail", "inbox", "new", "*"))
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

// queue is what Postfix still has.
func (p *listServer) queue(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("postqueue", "-c", p.etc, "-j").CombinedOutput()
	if err != nil {
		t.Fatalf("postqueue: %v: %s", err, out)
	}
	return string(out)
}
