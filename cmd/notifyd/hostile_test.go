package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/pkitest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestHostileBus sends all that a hostile publisher can send through libzmq into a real daemon, and an honest message
// after each. All is mailed to somebody who wants everything. Every honest message arrives, every hostile one is
// accounted for, the page of each that was stored can be read, and memory stays within bounds.
func TestHostileBus(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { hostileBus(t, filepath.Join(t.TempDir(), "notifyd.db")) })
	t.Run("postgres", func(t *testing.T) { hostileBus(t, migratest.Postgres(t)) })
}

func hostileBus(t *testing.T, dsn string) {
	w := newHostileWorld(t, dsn)
	b := w.signIn(t, "bob@example.org", "bob")
	all := bustest.Hostile()
	sent := w.sendHostile(t, all)
	last := fmt.Sprintf("SELECT count(*) FROM messages WHERE msg_id = '2026-sample-%d'", len(all))
	exectest.Eventually(t, 3*time.Minute, "the last message is stored", func() bool { return count(t, dsn, last) == 1 })
	exectest.Eventually(t, 5*time.Minute, "everything owed is sent", func() bool { return owed(t, dsn) == 0 })
	mails := w.mailbox()
	for n, h := range all {
		if id := fmt.Sprintf("X-Notifyd-Message-Id: 2026-sample-%d\r", n+1); strings.Count(mails, id) != 1 {
			t.Errorf("the honest message after %q was mailed %d times", h.Name, strings.Count(mails, id))
		}
	}
	w.account(t, sent)
	readPages(t, b, dsn)
	peak := peakMemory(t, w.process.Process.Pid)
	if peak > 768<<20 {
		t.Errorf("the daemon has had %d MB of memory", peak>>20)
	}
	t.Logf("%d messages, peak %d MB", sent, peak>>20)
	if status := w.daemon.Stop(t); status != 0 || strings.Contains(w.daemon.Text(), "panic") {
		t.Errorf("exit status %d after SIGTERM, want 0: %s", status, w.daemon.Text())
	}
}

// A hostileWorld is a daemon that checks signatures, and a publisher that sends it anything.
type hostileWorld struct {
	world
	dsn     string
	metrics *browser
	process *exec.Cmd
	send    func(parts ...string)
	end     func()
}

func newHostileWorld(t *testing.T, dsn string) *hostileWorld {
	t.Helper()
	w := &hostileWorld{dsn: dsn}
	w.folder = t.TempDir()
	w.maildir = filepath.Join(w.folder, "mail")
	pki, err := pkitest.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := pki.Write(w.folder); err != nil {
		t.Fatal(err)
	}
	smtp := startSMTP(t, fakesmtp.Options{Maildir: w.maildir, MaxBytes: 64 << 20})
	givePreferences(t, dsn)
	busPort, webPort, metricsPort := exectest.FreePort(t), exectest.FreePort(t), exectest.FreePort(t)
	w.pages = fmt.Sprintf("http://127.0.0.1:%d", webPort)
	config := writeFile(t, w.folder, "notifyd.yaml",
		fmt.Sprintf("database: {dsn: %q}", dsn),
		fmt.Sprintf("web: {listen: '127.0.0.1:%d', base_url: %q}", webPort, w.pages),
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		"outbox: {workers: 4, cap: 0, poll: 500ms}",
		fmt.Sprintf("bus:\n  zmq: {endpoints: {test: 'tcp://127.0.0.1:%d'}}", busPort),
		strings.ReplaceAll("  trust: {ca: DIR/ca.crt, crl: DIR/crl.pem, gpg_keys: DIR/keys.asc}", "DIR", w.folder),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org, connections: 4}}",
			smtp.Addr().Port))
	w.send, w.end = startSender(t, busPort)
	w.process = exec.Command(buildNotifyd(t), "--config", config, "serve")
	w.daemon = exectest.Start(t, w.process)
	waitReady(t, w.daemon, metricsPort)
	w.metrics = newBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", metricsPort))
	return w
}

// sendHostile sends the whole list, an honest message after each, and messages of other than two parts. It gives how
// many messages that were.
func (w *hostileWorld) sendHostile(t *testing.T, all []bustest.HostileFrame) (sent int) {
	t.Helper()
	topic := bustest.HostileTopic
	for _, parts := range [][]string{{"one"}, {""}, {"a", "b", "c"}, make([]string, 100), {topic, "{}", ""}} {
		w.send(parts...)
		sent++
	}
	for n, h := range all {
		honest := bustest.Sample(n + 1)
		w.send(h.Topic, string(h.Payload))
		w.send(honest.Topic, string(honest.Payload))
		sent += 2
	}
	w.end()
	return sent
}

// account checks that each message sent was stored, or is counted with the reason why it was not.
func (w *hostileWorld) account(t *testing.T, sent int) {
	t.Helper()
	text := w.metrics.get(t, "/metrics")
	stored := count(t, w.dsn, "SELECT count(*) FROM messages")
	dropped, rejected := sum(text, "notifyd_source_messages_dropped_total"), sum(text, "notifyd_messages_rejected_total")
	if stored+dropped+rejected != sent {
		t.Errorf("%d stored, %d dropped and %d rejected are not the %d sent", stored, dropped, rejected, sent)
	}
	if stored < 1500 {
		t.Errorf("only %d messages are stored", stored)
	}
}

// startSender runs a libzmq publisher. send takes the parts of a message; after end it ends once all is sent.
func startSender(t *testing.T, port int) (send func(parts ...string), end func()) {
	t.Helper()
	cmd := exec.Command(exectest.Python(t, "zmq"), "testdata/sender.py", fmt.Sprintf("tcp://127.0.0.1:%d", port))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	child := exectest.Start(t, cmd)
	child.Listening(t, fmt.Sprintf("127.0.0.1:%d", port))
	send = func(parts ...string) {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(parts)))
		for _, p := range parts {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
		}
		if _, err := stdin.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	return send, func() { stdin.(io.Closer).Close() }
}

// sum adds a metric up over all labels.
func sum(metrics, name string) (total int) {
	for _, line := range regexp.MustCompile(`(?m)^`+name+`\{.*\} (\S+)$`).FindAllStringSubmatch(metrics, -1) {
		n, _ := strconv.ParseFloat(line[1], 64)
		total += int(n)
	}
	return total
}

// readPages opens the page of every message that is no honest one.
func readPages(t *testing.T, b *browser, dsn string) {
	t.Helper()
	var ids []string
	withDatabase(t, dsn, func(d *migrations.DB) error {
		return d.Reader.Raw("SELECT msg_id FROM messages WHERE msg_id NOT LIKE '2026-sample-%'").Scan(&ids).Error
	})
	b.get(t, "/messages")
	for _, id := range ids {
		b.get(t, "/messages/"+url.PathEscape(id))
	}
}

// peakMemory is the most memory that a process has had (VmHWM).
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	kib := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	n, err := strconv.Atoi(string(kib[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
