package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/pressly/goose/v3/lock"
)

// ErrLocked is the error of Open when another process keeps it from migrating for all of Config.LockWait.
var ErrLocked = errors.New("another process has locked the database")

const (
	lockWait    = time.Minute            // where Config sets none
	lockPause   = 500 * time.Millisecond // between two attempts
	unlockLimit = 10 * time.Second
)

// lockID is goose's own number of the advisory lock, so that goose's command line is locked out as well.
const lockID = lock.DefaultLockID

// A sessionLock is an advisory lock of PostgreSQL that belongs to a session, and ends with it. It implements goose's
// lock.SessionLocker: goose's own implementation waits in silence and does not name the session that has the lock.
type sessionLock struct {
	log  *slog.Logger
	wait time.Duration
}

// SessionLock takes the lock. If another session has it, SessionLock logs that at once and waits, up to l.wait.
func (l sessionLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	limit := time.NewTimer(l.wait)
	defer limit.Stop()
	tick := time.NewTicker(lockPause)
	defer tick.Stop()
	for logged := false; ; logged = true {
		var locked bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", lockID).Scan(&locked); err != nil {
			return fmt.Errorf("take the lock of migrations: %w", err)
		}
		if locked {
			return nil
		}
		if !logged {
			l.log.Warn("waiting for the lock of migrations", "holder", holder(ctx, conn), "at_most", l.wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("%w (the lock of migrations); waited %s for %s", ErrLocked, l.wait, holder(ctx, conn))
		case <-tick.C:
		}
	}
}

// SessionUnlock releases the lock.
func (l sessionLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, unlockLimit)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", lockID); err != nil {
		return fmt.Errorf("release the lock of migrations: %w", err)
	}
	return nil
}

// holderQuery finds the session that has the lock: pg_locks shows the upper half of its number as classid, the lower
// half as objid, and 1 as objsubid (PostgreSQL, "pg_locks"). Sessions of other roles hide their name and address.
const holderQuery = `SELECT a.pid, coalesce(a.application_name, ''), coalesce(host(a.client_addr), ''), a.backend_start
	FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_database d ON d.oid = l.database
	WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND d.datname = current_database()
		AND l.classid::bigint = $1::bigint >> 32 AND l.objid::bigint = $1::bigint & 4294967295`

// holder describes in words the session that has the lock.
func holder(ctx context.Context, conn *sql.Conn) string {
	var pid int
	var name, address string
	var since sql.NullTime
	err := conn.QueryRowContext(ctx, holderQuery, lockID).Scan(&pid, &name, &address, &since)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "nobody any more"
	case err != nil:
		return "unknown: " + err.Error()
	}
	words := []string{fmt.Sprintf("PostgreSQL session %d", pid)}
	if name != "" {
		words = append(words, fmt.Sprintf("%q", name))
	}
	if address != "" {
		words = append(words, "from "+address)
	}
	if since.Valid {
		words = append(words, "connected since "+since.Time.UTC().Format(time.RFC3339))
	}
	return strings.Join(words, ", ")
}
