package main

import (
	"database/sql"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestKilledWhileItImports kills an import again and again, and starts a daemon in between: in the end each message is
// there once, with all indexes.
func TestKilledWhileItImports(t *testing.T) {
	const messages = 20_000
	folder := t.TempDir()
	var archive strings.Builder
	for n := range messages {
		fmt.Fprintf(&archive, `{"topic":"org.example.prod.wiki.article.edit","msg_id":"2013-%08x-0000-4000-8000-%012x",`+
			`"timestamp":%d,"msg":{"user":"user%d","title":"Milk"}}`+"\n", n*2654435761%(1<<32), n, 1380000000+n, n%100)
	}
	path := writeFile(t, folder, "archive.jsonl", archive.String())
	database := filepath.Join(folder, "notifyd.db")
	port := exectest.FreePort(t)
	config := writeFile(t, folder, "notifyd.yaml", "database: {dsn: "+database+"}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", port))
	start := func(args ...string) *exectest.Child {
		t.Helper()
		return exectest.Start(t, exec.Command(buildNotifyd(t), append([]string{"-c", config}, args...)...))
	}
	ask := func(query string) (n int) { // by itself: whoever opens the database as a daemon does puts it right
		t.Helper()
		pool, err := sql.Open("sqlite", "file:"+database+"?mode=ro&_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if err := pool.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	rows := func() int { t.Helper(); return ask("SELECT count(*) FROM messages") }
	indexes := func() int {
		t.Helper()
		return ask("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
	}
	serve := func() {
		t.Helper()
		daemon := start("serve")
		waitReady(t, daemon, port)
		daemon.Stop(t)
	}
	serve()
	all, before := indexes(), 0
	for kill := range 2 {
		importing := start("history", "import", path)
		exectest.Eventually(t, time.Minute, "more is imported", func() bool { return rows() > before+5000 })
		importing.Kill()
		before = rows()
		t.Logf("%d messages and %d of %d indexes after a kill", before, indexes(), all)
		if kill == 1 {
			serve()
			if n := indexes(); n != all {
				t.Errorf("%d of %d indexes after a start of the daemon", n, all)
			}
		}
	}
	if out, err := exec.Command(buildNotifyd(t), "-c", config, "history", "import", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if n, ids := rows(), ask("SELECT count(DISTINCT msg_id) FROM messages"); n != messages || ids != n {
		t.Errorf("%d messages with %d ids, want %d", n, ids, messages)
	}
	names := ask("SELECT count(*) FROM message_users")
	if n := indexes(); n != all || names != messages {
		t.Errorf("%d of %d indexes, %d names of people", n, all, names)
	}
}
