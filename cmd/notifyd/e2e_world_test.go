package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// A world is the environment of a running daemon.
type world struct {
	folder  string
	maildir string
	pages   string // base URL
	bus     *publisher
	irc     *ircServer
	reader  *ircReader
	mail    *mailServer
	daemon  *exectest.Child
}

// newWorld starts every real part and the daemon on the database.
func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	python := exectest.Python(t, "zmq")
	w := &world{folder: t.TempDir()}
	w.mail = newMailServer(t, w.folder)
	w.maildir = w.mail.maildir
	w.irc = newIRCServer(t)
	w.reader = newIRCReader(t, w.irc, "alice")
	busPort, webPort, metricsPort := exectest.FreePort(t), exectest.FreePort(t), exectest.FreePort(t)
	w.pages = fmt.Sprintf("http://127.0.0.1:%d", webPort)
	w.bus = startPublisher(t, python, busPort)
	config := writeFile(t, w.folder, "notifyd.yaml",
		fmt.Sprintf("database: {dsn: %q}", dsn),
		fmt.Sprintf("web: {listen: '127.0.0.1:%d', base_url: %q}", webPort, w.pages),
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		"outbox: {retry_first: 200ms, retry_most: 1s, probe_first: 200ms, probe_most: 1s, poll: 500ms}",
		"accounts: {names: claimed}", // there is no directory that proves them
		fmt.Sprintf("bus: {zmq: {endpoints: {test: 'tcp://127.0.0.1:%d'}}}", busPort),
		"backends:",
		fmt.Sprintf("  email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}", w.mail.port),
		fmt.Sprintf("  irc: {networks: [{name: test, address: '127.0.0.1:%d', nick: notifyd, reconnect_min: 200ms, reconnect_max: 1s}]}", w.irc.port),
	)
	w.daemon = exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, w.daemon, metricsPort)
	waitSubscribed(t, metricsPort)
	return w
}

// waitSubscribed waits until every endpoint of the bus is connected and has our subscriptions.
func waitSubscribed(t *testing.T, metricsPort int) {
	t.Helper()
	b := newBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", metricsPort))
	exectest.Eventually(t, 20*time.Second, "the daemon has subscribed", func() bool {
		numbers := b.get(t, "/metrics")
		return strings.Contains(numbers, "notifyd_source_connected") &&
			regexp.MustCompile(`(?m)^notifyd_source_connected.* 1$`).MatchString(numbers)
	})
}

// A mailServer is aiosmtpd with a maildir.
type mailServer struct {
	maildir string
	port    int
	process *exectest.Child
}

func newMailServer(t *testing.T, folder string) *mailServer {
	m := &mailServer{maildir: filepath.Join(folder, "mail"), port: exectest.FreePort(t)}
	m.start(t)
	return m
}

func (m *mailServer) start(t *testing.T) {
	t.Helper()
	python := exectest.Python(t, "aiosmtpd")
	address := fmt.Sprintf("127.0.0.1:%d", m.port)
	m.process = exectest.Start(t, exec.Command(python, "-m", "aiosmtpd", "-n", "-l", address, "-c",
		"aiosmtpd.handlers.Mailbox", m.maildir))
	m.process.Listening(t, address)
}

// mailbox returns every mail delivered so far, one after the other.
func (w *world) mailbox() string { return strings.Join(w.mails(), "\n") }

func (w *world) mails() []string {
	files, _ := filepath.Glob(filepath.Join(w.maildir, "new", "*"))
	var all []string
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			all = append(all, string(text))
		}
	}
	return all
}

func (w *world) mailWith(text string) string {
	for _, mail := range w.mails() {
		if strings.Contains(mail, text) {
			return mail
		}
	}
	return ""
}

// mailText returns the mailbox without the soft line breaks of quoted-printable.
func (w *world) mailText() string {
	return strings.NewReplacer("=\r\n", "", "=\n", "", "=3D", "=").Replace(w.mailbox())
}

// An ircServer is ngircd.
type ircServer struct {
	port    int
	config  string
	process *exectest.Child
}

func newIRCServer(t *testing.T) *ircServer {
	t.Helper()
	s := &ircServer{port: exectest.FreePort(t)}
	lines := []string{"[Global]", "Name = irc.test", "Info = test", "Listen = 127.0.0.1", "Ports = " +
		strconv.Itoa(s.port),
		"AdminInfo1 = test", "[Limits]", "MaxConnectionsIP = 0", "MaxNickLength = 30", "[Options]", "DNS = no", "Ident = no",
		"PAM = no"}
	if os.Geteuid() == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines[:5], append([]string{"ServerUID = " + nobody.Uid, "ServerGID = " + nobody.Gid}, lines[5:]...)...)
	}
	s.config = writeFile(t, t.TempDir(), "ngircd.conf", lines...)
	s.start(t)
	return s
}

func (s *ircServer) start(t *testing.T) {
	t.Helper()
	s.process = exectest.Start(t, exec.Command(exectest.Program(t, "/usr/sbin/ngircd"), "-n", "-f", s.config))
	s.process.Listening(t, fmt.Sprintf("127.0.0.1:%d", s.port))
}

// An ircReader is a person who uses weechat. Its logs show what the person sees.
type ircReader struct{ logs string }

func newIRCReader(t *testing.T, s *ircServer, nick string) *ircReader {
	t.Helper()
	folder := t.TempDir()
	weechat := exec.Command(exectest.Program(t, "weechat-headless"), "-d", folder,
		"-r", "/set logger.file.flush_delay 0",
		"-r", "/set irc.server_default.autoreconnect_delay 1",
		"-r", fmt.Sprintf("/server add t 127.0.0.1/%d -notls -nicks=%s", s.port, nick), "-r", "/connect t")
	weechat.Env = append(os.Environ(), "HOME="+folder)
	exectest.Start(t, weechat)
	r := &ircReader{logs: filepath.Join(folder, "logs")}
	exectest.Eventually(t, 30*time.Second, nick+" is on IRC", func() bool {
		return strings.Contains(r.log(), "irc.test") && strings.Contains(r.log(), "001") ||
			strings.Contains(r.log(), "Welcome")
	})
	return r
}

// log is all that weechat has logged.
func (r *ircReader) log() string {
	files, _ := filepath.Glob(filepath.Join(r.logs, "*.weechatlog"))
	var b strings.Builder
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			b.Write(text)
		}
	}
	return b.String()
}

// said returns the lines that notifyd sent to the reader.
func (r *ircReader) said() string {
	var lines []string
	for line := range strings.Lines(r.log()) {
		if _, said, ok := strings.Cut(line, "\tnotifyd\t"); ok {
			lines = append(lines, said)
		}
	}
	return strings.Join(lines, "")
}

// A desktopSession is a screen with a session bus and dunst.
type desktopSession struct{ environ []string }

func newDesktopSession(t *testing.T) *desktopSession {
	t.Helper()
	folder := t.TempDir()
	runtimeDir := filepath.Join(folder, "run")
	if err := os.Mkdir(runtimeDir, 0o700); err != nil {
		t.Fatal(err)
	}
	display := startXvfb(t)
	s := &desktopSession{environ: []string{"DISPLAY=" + display, "XDG_RUNTIME_DIR=" + runtimeDir, "HOME=" + folder}}
	dbus := exectest.Start(t, exec.Command(exectest.Program(t, "dbus-daemon"), "--session", "--nofork",
		"--print-address=1", "--address=unix:dir="+runtimeDir))
	address := regexp.MustCompile(`(?m)^unix:.*$`)
	exectest.Eventually(t, 10*time.Second, "the session bus tells its address",
		func() bool { return address.MatchString(dbus.Text()) })
	s.environ = append(s.environ, "DBUS_SESSION_BUS_ADDRESS="+address.FindString(dbus.Text()))
	dunst := exec.Command(exectest.Program(t, "dunst"), "-config", "/dev/null")
	dunst.Env = append(os.Environ(), s.environ...)
	exectest.Start(t, dunst)
	exectest.Eventually(t, 10*time.Second, "dunst owns its name", func() bool {
		ask := exec.Command("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
			"org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.Notifications")
		ask.Env = append(os.Environ(), s.environ...)
		out, err := ask.Output()
		return err == nil && strings.Contains(string(out), "boolean true")
	})
	return s
}

func startXvfb(t *testing.T) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd := exec.Command(exectest.Program(t, "Xvfb"), "-displayfd", "3", "-screen", "0", "1024x768x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{write}
	exectest.Start(t, cmd)
	write.Close()
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb tells no display: %v", err)
	}
	return ":" + strings.TrimSpace(number)
}

// history returns every bubble that dunst shows or has shown, as JSON.
func (s *desktopSession) history(t *testing.T) string {
	t.Helper()
	run := func(args ...string) string {
		ask := exec.Command("dunstctl", args...)
		ask.Env = append(os.Environ(), s.environ...)
		out, err := ask.CombinedOutput()
		if err != nil {
			t.Fatalf("dunstctl %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	run("close-all")
	return run("history")
}

// A browser keeps cookies and follows redirects, as a person's browser does.
type browser struct {
	client *http.Client
	base   string
	at     string // path of the last page
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{client: &http.Client{Jar: jar, Timeout: 20 * time.Second}, base: base}
}

func (b *browser) get(t *testing.T, path string) string {
	t.Helper()
	return b.read(t)(b.client.Get(b.base + path))
}

func (b *browser) post(t *testing.T, path string, fields ...string) string {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.read(t)(b.client.PostForm(b.base+path, form))
}

func (b *browser) read(t *testing.T) func(*http.Response, error) string {
	return func(answer *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		b.at = answer.Request.URL.Path
		if answer.StatusCode >= 400 {
			t.Fatalf("%s: %s\n%s", b.at, answer.Status, text)
		}
		return string(text)
	}
}
