package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/cmd/notifyd/status"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// remember fills a history with a message of a topic every six minutes, for three weeks until a time.
func remember(t *testing.T, dsn, topic string, until time.Time) {
	t.Helper()
	withDatabase(t, dsn, func(d *migrations.DB) error {
		s := history.NewStore(d.Writer, d.Reader, time.Now)
		var events []*catalogue.Event
		for i := range 22 * 240 {
			events = append(events, &catalogue.Event{Message: &bus.Message{
				ID: fmt.Sprintf("%s-%d", topic, i), Topic: topic, Time: until.Add(-time.Duration(i) * 6 * time.Minute),
				Source: "hub",
			}})
		}
		return d.Writer.Transaction(func(tx *gorm.DB) error {
			_, err := s.Append(tx, events)
			return err
		})
	})
}

// A watchman runs `notifyd status` as a monitoring system does.
type watchman struct {
	t      *testing.T
	config string
}

// ask gives the exit status, and what was printed.
func (w watchman) ask(args ...string) (status int, out string) {
	w.t.Helper()
	cmd := exec.Command(buildNotifyd(w.t), append([]string{"--config", w.config, "status"}, args...)...)
	text, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// says asks until the status is so and the output matches.
func (w watchman) says(what string, want int, pattern string, args ...string) {
	w.t.Helper()
	match := regexp.MustCompile("(?m)" + pattern)
	var status int
	var out string
	defer func() {
		if w.t.Failed() {
			w.t.Logf("%s: status %d, said %s", what, status, out)
		}
	}()
	exectest.Eventually(w.t, 30*time.Second, what, func() bool {
		status, out = w.ask(args...)
		return status == want && match.MatchString(out)
	})
}

// TestStatus asks a real daemon whose endpoints come from a file, while publishers come, go and fall silent.
func TestStatus(t *testing.T) {
	for _, c := range []struct {
		name string
		dsn  func(t *testing.T) string
	}{{"sqlite", sqliteFile}, {"postgres", func(t *testing.T) string { return migratest.Postgres(t) }}} {
		t.Run(c.name, func(t *testing.T) { testStatus(t, c.dsn(t)) })
	}
}

func testStatus(t *testing.T, dsn string) {
	remember(t, dsn, "org.example.prod.git.receive", time.Now())
	remember(t, dsn, "org.example.prod.bodhi.update", time.Now().Add(-2*time.Hour))
	folder, port, publisher := t.TempDir(), exectest.FreePort(t), startOwnPublisher(t)
	list := func(lines ...string) { writeFile(t, folder, "endpoints.yaml", lines...) }
	gone := fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t))
	list("hub: ["+publisher.Addr()+", 'tcp://127.0.0.1:1']", "gone: "+gone)
	w := watchman{t, writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: '"+dsn+"'}", "web: {listen: ''}", fmt.Sprintf("metrics: {listen: ':%d'}", port),
		"bus: {pace: {lost_after: 1s}, zmq: {endpoints_file: "+filepath.Join(folder, "endpoints.yaml")+", endpoints_check: 100ms}}")}
	w.says("nobody is there", 2, "cannot be asked: .*connection refused")
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", w.config, "serve"))
	waitReady(t, daemon, port)

	w.says("one endpoint is not connected", 1, `^DOWN: endpoint gone is not connected$`)
	w.says("and the other is", 1, `^hub +`+regexp.QuoteMeta(publisher.Addr())+` +connected +none +0$`)
	list("hub: [" + publisher.Addr() + "]")
	w.says("it is no longer listed", 0, `^nothing is down$`)
	w.says("what is unchecked is told", 0, `^warning: nothing is verified: bus.trust has`)
	w.says("a usual pace", 0, `^git +org.example.prod +\S+.* ago +10 +ok$`)
	if err := publisher.WaitSubscribed(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	edit := []byte(`{"topic":"org.example.prod.wiki.edit","msg":{}}`)
	if _, err := publisher.Publish("org.example.prod.wiki.edit", edit); err != nil {
		t.Fatal(err)
	}
	w.says("a message came", 0, `^hub +\S+ +connected +\d+s ago +1$`)
	w.says("of a service", 0, `^wiki +org.example.prod +\d+s ago +not known +unknown$`)
	testHeartbeat(t, w, publisher, port)
	list("hub: [" + publisher.Addr() + "]\nbroken: nowhere")
	w.says("the list has a mistake", 0, `^warning: the last good list of bus.zmq.endpoints_file stays in use: .*:2:9: broken: address`)
	list("hub: [" + publisher.Addr() + "]")

	w.says("a silence is counted from the start on", 0, `^bodhi +org.example.prod +2h \d+m ago +10 +ok$`)
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("the daemon ended with %d: %s", status, daemon.Text())
	}
	withDatabase(t, dsn, func(d *migrations.DB) error {
		return d.Writer.Exec("UPDATE paces SET silent_at = heard_at WHERE name = 'bodhi'").Error
	})
	daemon = exectest.Start(t, exec.Command(buildNotifyd(t), "--config", w.config, "serve"))
	waitReady(t, daemon, port)
	w.says("a service is silent, also after a restart", 1, `^bodhi +org.example.prod +2h \d+m ago +10 +silent$`)
	w.says("which can be left out", 0, `^nothing is down$`, "--no-services")
	testStatusJSON(t, w)

	daemon.Signal(t, syscall.SIGSTOP)
	w.says("it hangs", 2, "cannot be asked: .*deadline exceeded", "--timeout", "300ms")
	daemon.Signal(t, syscall.SIGCONT)
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("the daemon ended with %d: %s", status, daemon.Text())
	}
	w.says("it has ended", 2, `"error": ".*connection refused`, "--json")
	if err := os.WriteFile(w.config, []byte("metrics: {listen: ''}"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.says("there is no listener", 2, "metrics.listen is off")
}

// testHeartbeat: a heartbeat says that the endpoint lives, and nothing else.
func testHeartbeat(t *testing.T, w watchman, publisher *zmq.Publisher, port int) {
	t.Helper()
	if _, err := publisher.Publish("org.example._heartbeat", []byte(`{"msg":"lub-dub"}`)); err != nil {
		t.Fatal(err)
	}
	waitMetric(t, port, `notifyd_messages_rejected_total{reason="heartbeat",source="hub"}`, " 1")
	w.says("a heartbeat came", 0, `^hub +\S+ +connected +\d+s ago +2$`)
	if _, out := w.ask(); strings.Contains(out, "_heartbeat") {
		t.Errorf("a heartbeat is no service: %s", out)
	}
}

func testStatusJSON(t *testing.T, w watchman) {
	t.Helper()
	code, out := w.ask("--json")
	var r status.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if code != 1 || !r.Ready || len(r.Endpoints) != 1 || !r.Endpoints[0].Connected ||
		len(r.Services) != 3 || strings.Join(r.Down, "") != "service bodhi of org.example.prod is silent" {
		t.Errorf("status %d, %s", code, out)
	}
}
