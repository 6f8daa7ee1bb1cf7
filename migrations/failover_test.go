package migrations_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestFailover stops the primary and promotes its standby: the same pool writes again, and nothing that was committed
// is lost.
func TestFailover(t *testing.T) {
	pair := migratest.NewPair(t)
	d := migratest.Open(t, pair.URL)
	add := func(name string) error {
		return d.Writer.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO users (name, zone, created_at) VALUES (?, '', 0)", name).Error
		})
	}
	for _, name := range strings.Fields("a b c") {
		if err := add(name); err != nil {
			t.Fatal(err)
		}
	}
	pair.Stop()
	if err := add("d"); err == nil {
		t.Error("somebody was stored without a server")
	}
	pair.Promote(t)
	if err := add("d"); err != nil {
		t.Errorf("after the promotion: %v", err)
	}
	var names []string
	if err := d.Reader.Raw("SELECT name FROM users ORDER BY name").Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names, " "); got != "a b c d" {
		t.Errorf("users %s", got)
	}
}

// TestDemoted lets a server take no writes any more while it keeps its connections, as one does that is to be replaced:
// after one refusal every connection of the pool is made anew, and leads to whichever server takes writes by then.
func TestDemoted(t *testing.T) {
	pair := migratest.NewPair(t)
	d := migratest.Open(t, pair.URL)
	write := func() error { return d.Writer.Exec("UPDATE revisions SET value = value + 1").Error }
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var all []*gorm.DB // many connections at once
	for range 8 {
		tx := d.Writer.WithContext(ctx).Begin()
		if tx.Error != nil {
			t.Fatal(tx.Error)
		}
		all = append(all, tx)
	}
	for _, tx := range all {
		tx.Rollback()
	}
	pair.Exec(t, false, "ALTER SYSTEM SET default_transaction_read_only = on")
	pair.Exec(t, false, "SELECT pg_reload_conf()")
	pair.Promote(t)
	for failed := 0; ; failed++ {
		err := write()
		if err == nil {
			break
		}
		if refused := (*pgconn.PgError)(nil); failed > 0 || !errors.As(err, &refused) || refused.Code != "25006" {
			t.Fatalf("refusal %d: %v", failed+1, err)
		}
	}
	for range 20 {
		if err := write(); err != nil {
			t.Error(err)
		}
	}
}

// TestSilentServer talks to a server that answers nothing any more: each statement ends by itself.
func TestSilentServer(t *testing.T) {
	wall := migratest.NewWall(t, migratest.Postgres(t))
	migrations.AnswerWithin(t, time.Second)
	d := migratest.Open(t, wall.URL+"&connect_timeout=1")
	if err := d.Writer.Exec("SELECT 1").Error; err != nil {
		t.Fatal(err)
	}
	pool, err := d.Writer.DB()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := copyInto(t, conn); err != nil {
		t.Fatal(err)
	}
	wall.Freeze()
	began := time.Now()
	for _, run := range []func() error{
		func() error { return d.Writer.Exec("SELECT 1").Error },
		func() error { var n int; return d.Reader.Raw("SELECT 1").Scan(&n).Error },
		func() error { return d.Writer.Transaction(func(*gorm.DB) error { return nil }) },
		func() error { return copyInto(t, conn) },
	} {
		if err := run(); err == nil {
			t.Error("a statement has an answer")
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("four statements took %s", took)
	}
	wall.Thaw()
	if err := d.Writer.Exec("SELECT 1").Error; err != nil {
		t.Errorf("when the server answers again: %v", err)
	}
}

// copyInto copies no row into a table.
func copyInto(t *testing.T, conn *sql.Conn) error {
	return conn.Raw(func(conn any) error {
		_, err := conn.(*stdlib.Conn).Conn().CopyFrom(t.Context(), pgx.Identifier{"revisions"}, []string{"value"},
			pgx.CopyFromRows(nil))
		return err
	})
}

// TestServerNoticesThatWeAreGone reads what the server knows of our connections.
func TestServerNoticesThatWeAreGone(t *testing.T) {
	for _, more := range []string{"", "&tcp_user_timeout=9000"} {
		d := migratest.Open(t, migratest.Postgres(t)+more)
		for name, want := range map[string]string{"tcp_user_timeout": "6000", "tcp_keepalives_idle": "3",
			"tcp_keepalives_interval": "2", "client_connection_check_interval": "3s",
			"idle_in_transaction_session_timeout": "10s"} {
			if name == "tcp_user_timeout" && more != "" {
				want = "9000"
			}
			var got string
			if err := d.Reader.Raw("SHOW " + name).Scan(&got).Error; err != nil || got != want {
				t.Errorf("%s is %q, want %q, %v", name, got, want, err)
			}
		}
	}
}
