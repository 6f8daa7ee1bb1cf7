package daemon

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// lockDatabase keeps a second daemon off an SQLite file: the outbox takes up at once what an earlier process had in hand,
// which must not be what another one is sending. On PostgreSQL leases do that. The lock ends with the process, also by
// kill -9; the file stays.
func lockDatabase(dsn string) (*os.File, error) {
	if isPostgres(dsn) {
		return nil, nil
	}
	file, err := os.OpenFile(dsn+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock database: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another notifyd runs on %s: %w", dsn, err), file.Close())
	}
	return file, nil
}

// isPostgres says whether a dsn is of PostgreSQL, not of SQLite.
func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}
