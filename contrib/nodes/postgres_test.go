package nodes_test

import (
	"database/sql"
	"fmt"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"

	"github.com/notifyd/notifyd/internal/exectest"
)

const postgresPort = 5432

// A postgres is a PostgreSQL server on a host.
type postgres struct {
	*host
	programs, data string
	child          *exectest.Child
}

// postgresSettings: the time of each commit is kept, by which the tally tells how late a delivery is.
var postgresSettings = map[string]string{
	"listen_addresses": "*", "unix_socket_directories": "", "track_commit_timestamp": "on", "max_connections": "120",
	"shared_buffers": "128MB", "log_min_messages": "warning", "wal_keep_size": "256MB",
}

// newPostgres says where a server is going to run.
func newPostgres(t testing.TB, h *host, folder string) *postgres {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		exectest.Program(t, "/usr/lib/postgresql/bin/postgres")
	}
	slices.Sort(found)
	return &postgres{host: h, programs: filepath.Dir(found[len(found)-1]), data: filepath.Join(folder, h.name)}
}

// asPostgres runs one of PostgreSQL's programs, none of which runs as root.
func (p *postgres) asPostgres(name string, args ...string) *exec.Cmd {
	program := filepath.Join(p.programs, name)
	return p.command("setpriv", append([]string{"--reuid=postgres", "--regid=postgres", "--clear-groups", program},
		args...)...)
}

func (p *postgres) runPostgres(name string, args ...string) {
	p.t.Helper()
	if out, err := p.asPostgres(name, args...).CombinedOutput(); err != nil {
		p.t.Fatalf("%s on %s: %v: %s", name, p.name, err, out)
	}
}

// startPrimary makes a cluster and starts it.
func (p *postgres) startPrimary() {
	p.t.Helper()
	p.runPostgres("initdb", "-D", p.data, "-U", "postgres", "-A", "trust", "-N", "--locale=C.UTF-8", "-E", "UTF8")
	rules := `host all all 10.99.0.0/24 trust\nhost replication all 10.99.0.0/24 trust\n`
	p.run("sh", "-c", fmt.Sprintf("printf '%s' >>%s", rules, filepath.Join(p.data, "pg_hba.conf")))
	p.start()
	p.execute("CREATE DATABASE notifyd")
}

// startReplica copies a primary and follows it. From then on the primary confirms no commit that the replica lacks.
func (p *postgres) startReplica(of *postgres) {
	p.t.Helper()
	p.runPostgres("pg_basebackup", "-D", p.data, "-h", of.addr, "-U", "postgres", "-R", "-c", "fast", "-X", "stream")
	p.start()
	of.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
	of.execute("SELECT pg_reload_conf()")
	db := of.open("postgres")
	defer db.Close()
	exectest.Eventually(p.t, 30*time.Second, "the replica is synchronous", func() bool {
		return number(p.t, db, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1
	})
}

func (p *postgres) start() {
	p.t.Helper()
	args := []string{"-D", p.data, "-p", fmt.Sprint(postgresPort)}
	for name, value := range postgresSettings {
		args = append(args, "-c", name+"="+value)
	}
	p.child = p.host.start(p.asPostgres("postgres", args...))
	exectest.Eventually(p.t, time.Minute, "PostgreSQL on "+p.name+" answers", func() bool {
		if !p.child.Alive() {
			p.t.Fatalf("PostgreSQL on %s has ended", p.name)
		}
		db := p.open("postgres")
		defer db.Close()
		return db.PingContext(p.t.Context()) == nil
	})
}

// stopImmediately is `pg_ctl stop -m immediate`: nothing is finished, nothing is written, clients are cut off.
func (p *postgres) stopImmediately() { p.child.Signal(p.t, syscall.SIGQUIT) }

// promote makes a replica the primary.
func (p *postgres) promote() {
	p.t.Helper()
	p.execute("SELECT pg_promote(true, 60)")
}

func (p *postgres) url(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&connect_timeout=5", p.at(postgresPort), database)
}

// open opens a database of this server; whoever opens closes it.
func (p *postgres) open(database string) *sql.DB {
	p.t.Helper()
	db, err := sql.Open("pgx", p.url(database))
	if err != nil {
		p.t.Fatal(err)
	}
	return db
}

func (p *postgres) execute(statement string) {
	p.t.Helper()
	db := p.open("postgres")
	defer db.Close()
	if _, err := db.ExecContext(p.t.Context(), statement); err != nil {
		p.t.Fatalf("%s on %s: %v", statement, p.name, err)
	}
}

// number gives the answer of a query that is one number.
func number(t testing.TB, db *sql.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// own gives a folder to an account of the system.
func own(t testing.TB, folder, account string) {
	t.Helper()
	u, err := user.Lookup(account)
	if err != nil {
		t.Skipf("needs the account %s: %v", account, err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := syscall.Chown(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
}
