package migrations

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"gorm.io/gorm"

	_ "modernc.org/sqlite" // database/sql driver "sqlite", pure Go
)

// These are the sizes of the pools, in connections. PostgreSQL's default max_connections is 100, for all nodes
// together.
const (
	postgresConns = 16
	sqliteReaders = 4
)

// lookAtSQLite opens one pool that cannot write.
func lookAtSQLite(path string) (*DB, error) {
	pool, err := openPool(path, fmt.Sprintf("?mode=ro&_pragma=busy_timeout(%d)&_pragma=query_only(1)",
		busyTimeout.Milliseconds()), 1)
	if err != nil {
		return nil, err
	}
	d := &DB{writer: pool}
	if d.Reader, err = gorm.Open(newSQLiteDialect(pool), gormConfig()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// connectSQLite opens two pools on one file: see DB. The writer's transactions take the lock when they begin
// (_txlock=immediate): a transaction that reads first and writes later would fail with SQLITE_BUSY, whatever the
// timeout.
func connectSQLite(path string) (*DB, error) {
	if path == "" || strings.Contains(path, ":memory:") {
		return nil, fmt.Errorf("%q is no path of a file", path) // two pools would see two databases
	}
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	writer, err := openSQLite(path, "&_txlock=immediate"+writerPragmas, 1)
	if err != nil {
		return nil, err
	}
	d := &DB{writer: writer}
	d.reader, err = openSQLite(path, "&_pragma=query_only(1)", sqliteReaders)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	if d.Writer, err = gorm.Open(newSQLiteDialect(d.writer), gormConfig()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if d.Reader, err = gorm.Open(newSQLiteDialect(d.reader), gormConfig()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// writerPragmas suit the size of one batch of messages. With the default cache of 2 MiB SQLite writes the pages of
// its indexes and reads them back several times before the commit, and after each commit it copies the log into the
// file. A log that grew longer, because of a very large batch or a slow reader, is cut to 64 MiB. What is deleted is
// overwritten with zeros (secure_delete), so that what people had deleted is not in the file any more: see Scrub.
const writerPragmas = "&_pragma=cache_size(-65536)&_pragma=temp_store(2)&_pragma=wal_autocheckpoint(8000)" +
	"&_pragma=journal_size_limit(67108864)&_pragma=secure_delete(1)"

// busyTimeout is how long a statement waits for another process that writes to an SQLite file.
const busyTimeout = 5 * time.Second

// makePrivate makes a new database file that only its owner can read, whatever the umask: the file contains addresses
// and the key of stop links. SQLite gives its journals the mode of the file. A file that exists keeps its mode.
func makePrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// openSQLite opens a pool. With synchronous=2 (FULL) in mode WAL a committed transaction survives a power cut (SQLite,
// "PRAGMA synchronous").
func openSQLite(path, more string, conns int) (*sql.DB, error) {
	pragmas := fmt.Sprintf("?_pragma=busy_timeout(%d)", busyTimeout.Milliseconds()) +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(2)&_pragma=foreign_keys(1)"
	return openPool(path, pragmas+more, conns)
}

func openPool(path, query string, conns int) (*sql.DB, error) {
	// otherwise SQLite would read these as the query or an escape of a URI (SQLite, "URI Filenames")
	name := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	pool, err := sql.Open("sqlite", "file:"+name+query)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return pool, nil
}
