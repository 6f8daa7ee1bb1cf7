package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A manager is a service manager such as systemd: it receives the states that the service sends.
type manager struct {
	socket string
	mu     sync.Mutex
	heard  []string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{socket: filepath.Join(t.TempDir(), "notify")}
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		text := make([]byte, 4096)
		for {
			n, err := listener.Read(text)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			m.mu.Lock()
			m.heard = append(m.heard, string(text[:n]))
			m.mu.Unlock()
		}
	})
	t.Cleanup(func() { listener.Close(); reading.Wait() })
	return m
}

// states returns the states that the service has sent so far, with the values of times left out.
func (m *manager) states() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var states []string
	for _, state := range m.heard {
		states = append(states, regexp.MustCompile(`=[0-9]{5,}`).ReplaceAllString(state, "=TIME"))
	}
	return states
}

// A reloading is a daemon under load whose configuration changes.
type reloading struct {
	t       *testing.T
	manager *manager
	daemon  *exectest.Child
	base    []string
	config  string
	browser *browser
}

// hangup makes the daemon reload a configuration with the lines given behind the base. It waits until the daemon has
// logged texts, and looks for lines in the metrics.
func (r *reloading) hangup(config string, texts []string, lines ...string) {
	r.t.Helper()
	all := append(r.base[:len(r.base):len(r.base)], config)
	writeFile(r.t, filepath.Dir(r.config), filepath.Base(r.config), all...)
	before, states := len(r.daemon.Text()), len(r.manager.states())
	r.daemon.Signal(r.t, syscall.SIGHUP)
	exectest.Eventually(r.t, 20*time.Second, "the daemon is ready again", func() bool {
		if !r.daemon.Alive() {
			r.t.Fatalf("the daemon has ended: %s", r.daemon.Text())
		}
		return len(r.manager.states()) >= states+2
	})
	for _, want := range texts { // a pipe may be slower than the manager's socket
		exectest.Eventually(r.t, 20*time.Second, "the daemon logs "+want, func() bool {
			return strings.Contains(r.daemon.Text()[before:], want)
		})
	}
	told := r.manager.states()[states:]
	if told[0] != "RELOADING=1\nMONOTONIC_USEC=TIME" || !strings.HasPrefix(told[1], "READY=1\n") {
		r.t.Errorf("the service manager was told %q", told)
	}
	numbers := r.browser.get(r.t, "/metrics")
	for _, want := range lines {
		if !strings.Contains(numbers, "\n"+want+"\n") {
			r.t.Errorf("/metrics lacks %s", want)
		}
	}
}

// TestReloadUnderLoad reloads the real daemon with good and broken configurations, and sends signals faster than it
// reloads, while messages flow. The daemon stays alive, loses nothing and sends nothing twice.
func TestReloadUnderLoad(t *testing.T) {
	python := exectest.Python(t, "zmq")
	folder := t.TempDir()
	smtp := startSMTP(t, fakesmtp.Options{})
	database := filepath.Join(folder, "notifyd.db")
	givePreferences(t, database)
	busPort, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	r := &reloading{t: t, manager: newManager(t), config: filepath.Join(folder, "notifyd.yaml")}
	r.base = []string{
		"database: {dsn: " + database + "}",
		"web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		fmt.Sprintf("bus: {zmq: {endpoints: {load: 'tcp://127.0.0.1:%d'}}}", busPort),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}",
			smtp.Addr().Port),
	}
	writeFile(t, folder, "notifyd.yaml", append(r.base, "outbox: {cap: 0}")...)
	serve := exec.Command(buildNotifyd(t), "--config", r.config, "serve")
	serve.Env = append(os.Environ(), "NOTIFY_SOCKET="+r.manager.socket)
	publisher := startPublisher(t, python, busPort)
	r.daemon = exectest.Start(t, serve)
	waitReady(t, r.daemon, metricsPort)
	waitSubscribed(t, metricsPort)
	r.browser = newBrowser(t, fmt.Sprintf("http://127.0.0.1:%d", metricsPort))
	exectest.Eventually(t, 20*time.Second, "the daemon tells that it is ready", func() bool {
		return len(r.manager.states()) > 0
	})
	published := publisher.load(t, 10*time.Millisecond)

	const good, bad = "notifyd_config_reload_successful 1", "notifyd_config_reload_successful 0"
	r.hangup("outbox: {cap: 0}\nlog: {level: debug}", []string{"configuration reloaded", "log.level"}, good)
	r.hangup("outbox: {cap: 0}\nlog: {level: loud}", []string{"not reloaded", "notifyd.yaml:7:7: log.level"}, bad)
	writeFile(t, folder, "tea.yaml", "app: [")
	r.hangup("outbox: {cap: 0}\ncatalogue: {folder: "+folder+"}", []string{"not reloaded", "tea.yaml:1:"}, bad)
	r.hangup("outbox: {cap: 0, workers: 2}", []string{"configuration reloaded", "need a restart", "outbox.workers"},
		good, "notifyd_config_restart_needed 1")

	before := len(r.manager.states())
	for range 50 {
		r.daemon.Signal(r.t, syscall.SIGHUP)
	}
	exectest.Eventually(t, 20*time.Second, "all reloads are over", func() bool {
		states := r.manager.states()[before:]
		return len(states) >= 2 && len(states)%2 == 0 && strings.HasPrefix(states[len(states)-1], "READY=1")
	})
	total := published()
	exectest.Eventually(t, 60*time.Second, "every message is committed", func() bool {
		return len(messageIDs(t, database)) == total
	})
	exectest.Eventually(t, 60*time.Second, "everything owed is sent", func() bool { return owed(t, database) == 0 })
	if status := r.daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0", status)
	}
	compareWithMails(t, database, smtp, 0, total)
	if states := r.manager.states(); !slices.Contains(states, "STOPPING=1") {
		t.Errorf("the service manager was told %q", states)
	}
}
