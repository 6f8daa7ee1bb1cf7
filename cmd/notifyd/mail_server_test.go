package main

import (
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

	"github.com/notifyd/notifyd/internal/exectest"
)

// A listServer is a private Postfix, whose aliases run notifyd: bugs is the list, and alice has a Maildir and, as if
// she forwarded all to the list, the same command.
type listServer struct {
	*exectest.Child
	folder, etc, database      string
	port, busPort, metricsPort int
}

// serve starts the daemon that takes what the aliases hand over, and mails by the same Postfix.
func (p *listServer) serve(t *testing.T) *exectest.Child {
	t.Helper()
	config := writeFile(t, p.folder, "notifyd.yaml", "database: {dsn: "+p.database+"}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", p.metricsPort),
		"outbox: {retry_first: 200ms, retry_most: 1s, poll: 500ms}",
		fmt.Sprintf("bus: {http: {listen: '127.0.0.1:%d', senders: {lists: {token_file: %s, topics: [org.debian.dev]}}}}",
			p.busPort, filepath.Join(p.folder, "token")),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}", p.port))
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, p.metricsPort)
	return daemon
}

func newListServer(t *testing.T) *listServer {
	t.Helper()
	const master = "/usr/lib/postfix/sbin/master"
	exectest.Program(t, master)
	if os.Getuid() != 0 && os.Getenv("NOTIFYD_REQUIRE") != "1" {
		t.Skip("needs root, to start Postfix")
	}
	p := &listServer{folder: t.TempDir(), port: exectest.FreePort(t), busPort: exectest.FreePort(t),
		metricsPort: exectest.FreePort(t)}
	p.database = filepath.Join(p.folder, "notifyd.db")
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

// waitEmpty waits until Postfix has handed over all mails. It asks for it each time: by itself Postfix may look again
// only after minutes.
func (p *listServer) waitEmpty(t *testing.T) {
	t.Helper()
	exectest.Eventually(t, time.Minute, "Postfix has handed over all mails", func() bool {
		runTool(t, "postqueue", "-c", p.etc, "-f")
		out, err := exec.Command("postqueue", "-c", p.etc, "-j").CombinedOutput()
		if err != nil {
			t.Fatalf("postqueue: %v: %s", err, out)
		}
		return len(out) == 0
	})
}
