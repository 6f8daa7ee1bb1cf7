package migratest

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"
)

// A Pair is a PostgreSQL with a standby that has every commit before its answer goes out (synchronous_commit =
// remote_apply), so that a failover loses none.
type Pair struct {
	// URL names both, and leads to whichever takes writes.
	URL              string
	primary, standby *cluster
}

// NewPair starts a primary and its standby, with an empty database. They end with the test.
func NewPair(t testing.TB) *Pair {
	t.Helper()
	Postgres(t) // or skip
	p := &Pair{primary: &cluster{}, standby: &cluster{}}
	t.Cleanup(p.primary.stop)
	if err := p.primary.start(); err != nil {
		t.Fatalf("start the primary: %v", err)
	}
	p.primary.run(t, "postgres", "CREATE DATABASE notifyd")
	t.Cleanup(p.standby.stop)
	if err := p.standby.follow(p.primary); err != nil {
		t.Fatalf("start the standby: %v", err)
	}
	p.primary.run(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
	p.primary.run(t, "postgres", "ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
	p.primary.run(t, "postgres", "SELECT pg_reload_conf()")
	p.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d,127.0.0.1:%d/notifyd?sslmode=disable&"+
		"target_session_attrs=read-write", p.primary.port, p.standby.port)
	return p
}

// Stop stops the primary.
func (p *Pair) Stop() { p.primary.halt() }

// StopStandby stops the standby, so that commits of the primary wait.
func (p *Pair) StopStandby() { p.standby.halt() }

// Promote makes a primary of the standby.
func (p *Pair) Promote(t testing.TB) { p.standby.run(t, "postgres", "SELECT pg_promote(true, 30)") }

// Exec runs a statement as the superuser, in the database of URL: on the first primary, or on its standby.
func (p *Pair) Exec(t testing.TB, onStandby bool, statement string) {
	t.Helper()
	c := p.primary
	if onStandby {
		c = p.standby
	}
	c.run(t, "notifyd", statement)
}

func (c *cluster) run(t testing.TB, database, statement string) {
	t.Helper()
	pool, err := sql.Open("pgx", c.url(database))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := pool.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// follow starts c as the standby of another cluster.
func (c *cluster) follow(primary *cluster) error {
	from := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres application_name=standby", primary.port)
	backup := []string{"-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", from}
	return c.build("pg_basebackup", backup, "-c", "primary_conninfo="+from)
}
