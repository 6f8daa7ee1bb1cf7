package migrations

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	lite "modernc.org/sqlite"
)

// sqliteBusy is the primary result code of a file that another process has locked (SQLite, "Result and Error Codes").
const sqliteBusy = 5

// waitForFile waits until no other process writes to an SQLite file. It logs that it waits, and gives up after
// c.LockWait. Otherwise each statement of a migration would wait in silence.
func waitForFile(ctx context.Context, d *DB, c Config) error {
	conn, err := d.writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	limit := cmp.Or(c.LockWait, lockWait)
	deadline := time.Now().Add(limit)
	for logged := false; ; logged = true {
		err := tryFile(ctx, conn)
		if !isBusy(err) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w (the file); waited %s for %s", ErrLocked, limit, fileHolder(c.DSN))
		}
		if !logged {
			c.log().Warn("waiting for the lock of the database file", "holder", fileHolder(c.DSN), "at_most", limit)
		}
	}
}

// tryFile takes the lock of the file for a moment. It waits for no longer than lockPause.
func tryFile(ctx context.Context, conn *sql.Conn) error {
	run := func(statement string) error { _, err := conn.ExecContext(ctx, statement); return err }
	if err := run(fmt.Sprintf("PRAGMA busy_timeout = %d", lockPause.Milliseconds())); err != nil {
		return err
	}
	err := run("BEGIN IMMEDIATE")
	if err == nil {
		err = run("ROLLBACK")
	}
	return errors.Join(err, run(fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout.Milliseconds())))
}

func isBusy(err error) bool {
	var e *lite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqliteBusy
}

// fileHolder describes the process that has the lock of an SQLite file, as far as Linux shows it (proc_locks(5)). In
// mode WAL the lock is on the file whose name ends in -shm.
func fileHolder(path string) string {
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return "an unknown process"
	}
	for _, name := range []string{path + "-shm", path} {
		info, err := os.Stat(name)
		if err != nil {
			continue
		}
		inode := fmt.Sprintf(":%d", info.Sys().(*syscall.Stat_t).Ino)
		for line := range strings.Lines(string(locks)) { // number, POSIX, ADVISORY, WRITE, process, device:inode, range
			fields := strings.Fields(line)
			if len(fields) > 5 && fields[3] == "WRITE" && strings.HasSuffix(fields[5], inode) {
				command, _ := os.ReadFile("/proc/" + fields[4] + "/comm") // it may have ended
				return strings.TrimSpace("process " + fields[4] + " " + string(command))
			}
		}
	}
	return "an unknown process"
}
