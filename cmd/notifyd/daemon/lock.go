package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockDatabase keeps a second daemon off an SQLite file. At its start the outbox takes over the sends that an earlier
// process had in hand, and another running process must not lose its own that way. On PostgreSQL leases do this. The
// lock ends with the process, also after kill -9; the file stays.
func lockDatabase(dsn string) (*os.File, error) {
	if isPostgres(dsn) {
		return nil, nil
	}
	path := dsn
	if target, err := filepath.EvalSymlinks(dsn); err == nil { // one file, one lock
		path = target
	}
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock database: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		err = fmt.Errorf("another notifyd runs on %s (%s): %w", dsn, readHolder(file), err)
		return nil, errors.Join(err, file.Close())
	}
	if err := writeHolder(file); err != nil {
		return nil, errors.Join(fmt.Errorf("lock database: %w", err), file.Close())
	}
	return file, nil
}

// maxHolder bounds what is read of the name of the lock's holder, in bytes.
const maxHolder = 256

// writeHolder writes into the lock file which process holds the lock.
func writeHolder(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(thisProcess()+"\n"), 0)
	return err
}

// readHolder returns the process that holds the lock, in words.
func readHolder(file *os.File) string {
	text, err := io.ReadAll(io.LimitReader(file, maxHolder))
	if err != nil {
		return err.Error()
	}
	return cmp.Or(strings.TrimSpace(string(text)), "it does not say which") // an older notifyd writes nothing
}

// thisProcess returns the name of the daemon that others see: in the lock of an SQLite file, and in pg_stat_activity
// of PostgreSQL, which cuts it at 63 bytes.
func thisProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	return fmt.Sprintf("notifyd serve, process %d at %s", os.Getpid(), host)
}

// isPostgres reports whether a dsn is of PostgreSQL, not of SQLite.
func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}
