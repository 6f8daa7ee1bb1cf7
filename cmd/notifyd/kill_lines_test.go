package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A lineDaemon is a configuration with one input of lines, and alice, who wants everything by mail.
type lineDaemon struct {
	t           *testing.T
	config      string
	database    string
	metricsPort int
	smtp        *fakesmtp.Server
}

func newLineDaemon(t *testing.T, folder, input string) *lineDaemon {
	t.Helper()
	d := &lineDaemon{
		t: t, database: filepath.Join(folder, "notifyd.db"), metricsPort: exectest.FreePort(t),
		smtp: startSMTP(t, fakesmtp.Options{}),
	}
	givePreferences(t, d.database)
	d.config = writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+d.database+"}",
		"web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", d.metricsPort),
		"history: {keep: 200000h}",
		"outbox: {cap: 0}",
		fmt.Sprintf("bus: {lines: {state: %s/lines, inputs: {forge: {%s}}}}", folder, input),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}",
			d.smtp.Addr().Port))
	return d
}

func (d *lineDaemon) serve() *exectest.Child {
	d.t.Helper()
	daemon := exectest.Start(d.t, exec.Command(buildNotifyd(d.t), "--config", d.config, "serve"))
	waitReady(d.t, daemon, d.metricsPort)
	return daemon
}

// TestKilledWhileItReadsLines kills the daemon again and again while a program appends to a file that is rotated in
// both ways: in the end each line is there once, also those without an id.
func TestKilledWhileItReadsLines(t *testing.T) {
	const kills = 12
	folder := t.TempDir()
	path := writeFile(t, folder, "events.jsonl", `{"topic":"org.example.load","msg":{"n":-1}}`)
	d := newLineDaemon(t, folder, "follow: true, path: "+path)
	daemon := d.serve()
	rows := func() int { return count(t, d.database, "SELECT count(*) FROM messages") }
	exectest.Eventually(t, 20*time.Second, "the first line is there", func() bool { return rows() == 1 })
	daemon.Kill()
	stop := make(chan struct{})
	total := 0
	var writing sync.WaitGroup
	writing.Go(func() {
		for rotated := 1; ; total++ {
			id := ""
			if total%2 == 0 {
				id = fmt.Sprintf(`,"msg_id":"line-%d"`, total)
			}
			appendLine(t, path, fmt.Sprintf(`{"topic":"org.example.load","msg":{"n":%d}%s}`, total, id))
			if total%200 == 199 {
				rotate(t, path, path+"."+strconv.Itoa(rotated), rotated%2 == 0)
				rotated++
			}
			select {
			case <-stop:
				total += 2 // this one, and the first
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	for range kills {
		daemon := d.serve()
		pause(t, randomDuration(t, 400*time.Millisecond))
		daemon.Kill()
	}
	close(stop)
	writing.Wait()
	daemon = d.serve()
	exectest.Eventually(t, 60*time.Second, "every line is there", func() bool { return rows() >= total })
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM: %s", status, daemon.Text())
	}
	different := count(t, d.database, "SELECT count(DISTINCT payload) FROM messages")
	if rows() != total || different != total || total < 400 {
		t.Errorf("%d lines were written, %d are stored, %d different ones", total, rows(), different)
	}
	t.Logf("%d kills: %d lines written and stored", kills, total)
}

func appendLine(t *testing.T, path, line string) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteString(line + "\n")
	}
	if err != nil {
		t.Error(err)
	}
	f.Close()
}

func rotate(t *testing.T, path, to string, byCopy bool) {
	err := error(nil)
	if byCopy {
		var text []byte
		if text, err = os.ReadFile(path); err == nil {
			err = os.WriteFile(to, text, 0o600)
		}
		if err == nil {
			err = os.Truncate(path, 0)
		}
	} else {
		err = os.Rename(path, to)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestArchiveIsLoadedByHand: an archive comes into the history and to nobody's notice, but for what is of this hour.
func TestArchiveIsLoadedByHand(t *testing.T) {
	folder := t.TempDir()
	old := writeFile(t, folder, "2013.jsonl",
		`{"i":1,"msg":{"log":"old"},"msg_id":"2013-1","topic":"org.example.prod.logger.log","timestamp":1380000000}`,
		fmt.Sprintf(`{"body":{"log":"new"},"id":"new-1","topic":"org.example.prod.logger.log","headers":{"sent-at":%q}}`,
			time.Now().UTC().Format(time.RFC3339)),
		`{"raw_messages":[{"i":2,"msg":{"log":"older"},"msg_id":"2013-2","topic":"org.example.prod.logger.log",`+
			`"timestamp":1380000001.0,"source_name":"datanommer","source_version":"0.6"}],"total":1}`)
	d := newLineDaemon(t, folder, "late: true, path: "+old)
	for range 2 { // the second time everything was read
		daemon := d.serve()
		exectest.Eventually(t, 20*time.Second, "the archive is read", func() bool {
			return count(t, d.database, "SELECT count(*) FROM messages") == 3 && owed(t, d.database) == 0
		})
		if status := daemon.Stop(t); status != 0 {
			t.Errorf("exit status %d after SIGTERM: %s", status, daemon.Text())
		}
	}
	mails := d.smtp.Messages()
	if len(mails) != 1 || parseMail(t, mails[0].Data).Header.Get("X-Notifyd-Message-Id") != "new-1" {
		t.Errorf("%d mails were sent: %+v", len(mails), mails)
	}
}
