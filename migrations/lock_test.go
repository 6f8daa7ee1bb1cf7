package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	osexec "os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// gooseLock is the number of goose's advisory lock; goose's command line uses the same.
const gooseLock = 4097083626

// holdLock takes the lock of migrations in a session called name, until it is released. It returns the session's
// process id.
func holdLock(t *testing.T, dsn, name string) (pid uint32, release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn+"&application_name="+url.PathEscape(name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", gooseLock); err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() { conn.Close(context.Background()) })
	t.Cleanup(release)
	return conn.PgConn().PID(), release
}

// TestOpenNamesWhoHoldsTheLock: another session holds the lock of migrations for longer than Open waits.
func TestOpenNamesWhoHoldsTheLock(t *testing.T) {
	dsn := migratest.Postgres(t)
	pid, release := holdLock(t, dsn, "stuck migrator")
	log := &exectest.Log{}
	config := migrations.Config{DSN: dsn, LockWait: 3 * time.Second}
	config.Log = slog.New(slog.NewTextHandler(log, nil))
	since := time.Now()
	ended := make(chan error, 1)
	go func() {
		d, err := config.Open(t.Context())
		if err == nil {
			err = d.Close()
		}
		ended <- err
	}()
	who := fmt.Sprintf("PostgreSQL session %d, ", pid)
	exectest.Eventually(t, 20*time.Second, "the wait is logged", func() bool {
		said := log.String()
		return strings.Contains(said, "waiting for the lock of migrations") && strings.Contains(said, who)
	})
	err := <-ended
	if !errors.Is(err, migrations.ErrLocked) {
		t.Fatalf("Open = %v, want ErrLocked", err)
	}
	for _, want := range []string{who, `"stuck migrator"`, "from 127.0.0.1", "connected since 20", "3s"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Open = %v, want %s in it", err, want)
		}
	}
	if took := time.Since(since); took < config.LockWait {
		t.Errorf("Open has given up after %s", took)
	}
	release()
	d, err := config.Open(t.Context())
	if err != nil {
		t.Fatalf("Open after the lock was released: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestOpenWaitsForTheLock releases the lock while Open waits for it, and ends another wait with its context.
func TestOpenWaitsForTheLock(t *testing.T) {
	dsn := migratest.Postgres(t)
	_, release := holdLock(t, dsn, "slow migrator")
	log := &exectest.Log{}
	config := migrations.Config{DSN: dsn, Log: slog.New(slog.NewTextHandler(log, nil))}
	waiting := func(n int) func() bool {
		return func() bool { return strings.Count(log.String(), "waiting for the lock of migrations") == n }
	}
	open := func(ctx context.Context) <-chan error {
		ended := make(chan error, 1)
		go func() {
			d, err := config.Open(ctx)
			if err == nil {
				err = d.Close()
			}
			ended <- err
		}()
		return ended
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := open(ctx)
	exectest.Eventually(t, 20*time.Second, "the first waits", waiting(1))
	stop()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v after its context ended", err)
	}
	served := open(t.Context())
	exectest.Eventually(t, 20*time.Second, "the second waits", waiting(2))
	release()
	if err := <-served; err != nil {
		t.Errorf("Open = %v after the lock was released", err)
	}
}

// TestOpenNamesWhoWritesToTheFile: another process writes to an SQLite file for longer than Open waits, and then
// ends.
func TestOpenNamesWhoWritesToTheFile(t *testing.T) {
	const holds = "NOTIFYD_HOLD_FILE"
	if dsn := os.Getenv(holds); dsn != "" { // the other process
		d := migratest.Open(t, dsn)
		if err := d.Writer.Exec("BEGIN IMMEDIATE").Error; err != nil {
			t.Fatal(err)
		}
		fmt.Println("holding")
		select {}
	}
	dsn := migratest.SQLite(t)
	other := osexec.Command(os.Args[0], "-test.run", "^TestOpenNamesWhoWritesToTheFile$")
	other.Env = append(os.Environ(), holds+"="+dsn)
	holder := exectest.Start(t, other)
	exectest.Eventually(t, 30*time.Second, "the other process holds the lock", func() bool {
		return strings.Contains(holder.Text(), "holding")
	})
	log := &exectest.Log{}
	config := migrations.Config{DSN: dsn, LockWait: 2 * time.Second}
	config.Log = slog.New(slog.NewTextHandler(log, nil))
	_, err := config.Open(t.Context())
	who := fmt.Sprintf("process %d ", other.Process.Pid)
	if !errors.Is(err, migrations.ErrLocked) || !strings.Contains(err.Error(), who) {
		t.Errorf("Open = %v, want an error with %s", err, who)
	}
	for _, want := range []string{"waiting for the lock of the database file", who} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s: %s", want, log)
		}
	}
	holder.Kill()
	d, err := config.Open(t.Context())
	if err != nil {
		t.Fatalf("Open after the other process has ended: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestSessionsHaveAName: pg_stat_activity shows the program that a lock or a slow statement belongs to.
func TestSessionsHaveAName(t *testing.T) {
	dsn := migratest.Postgres(t)
	for _, c := range []struct{ dsn, name, want string }{
		{dsn, "notifyd serve, process 7 at example", "notifyd serve, process 7 at example"},
		{dsn, "", "notifyd"},
		{dsn + "&application_name=ours", "notifyd serve", "ours"},
	} {
		d, err := migrations.Config{DSN: c.dsn, Name: c.name}.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got string
		err = d.Reader.Raw("SELECT current_setting('application_name')").Scan(&got).Error
		if err != nil || got != c.want {
			t.Errorf("the session is called %q, %v; want %q", got, err, c.want)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
