package migrations_test

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
)

// TestOldDeliveriesMove moves the outbox of an older release: nothing is lost, and why each came is still said. What
// would be lost on the way back is refused. NOTIFYD_DELIVERIES is how many, and then it says how long it took.
func TestOldDeliveriesMove(t *testing.T) {
	n, _ := strconv.Atoi(cmp.Or(os.Getenv("NOTIFYD_DELIVERIES"), "1000"))
	dsns(t, func(t *testing.T, dsn, driver string) {
		dialect, folder := goose.DialectSQLite3, "sqlite"
		if driver == "pgx" {
			dialect, folder = goose.DialectPostgres, "postgres"
		}
		pool, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		p, err := goose.NewProvider(dialect, pool, os.DirFS(folder), goose.WithTableName("notifyd_schema"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.UpTo(t.Context(), 32); err != nil {
			t.Fatal(err)
		}
		run := func(statement string) {
			t.Helper()
			if _, err := pool.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		run("CREATE TABLE numbers (n integer)")
		run(fmt.Sprintf("INSERT INTO numbers WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d) "+
			"SELECT n FROM c", n))
		old, err := os.ReadFile("testdata/old_deliveries.sql")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(old), "FILL", strings.Repeat("words and more ", 20))
		for _, s := range strings.Split(text, ";\n") {
			if strings.TrimSpace(s) != "" {
				run(s)
			}
		}
		run("UPDATE deliveries SET notice = '{' WHERE id = 7")
		run("DROP TABLE numbers")
		before := sizeOf(t, pool, driver)
		began := time.Now()
		if _, err := p.UpTo(t.Context(), 34); err != nil {
			t.Fatal(err)
		}
		if os.Getenv("NOTIFYD_DELIVERIES") != "" {
			took := time.Since(began)
			if driver != "pgx" {
				run("VACUUM")
			}
			t.Logf("%d deliveries: %s, %d bytes before, %d after", n, took.Round(time.Millisecond), before,
				sizeOf(t, pool, driver))
		}
		moved(t, pool, n)
		_, err = p.DownTo(t.Context(), 33)
		if err == nil || !strings.Contains(err.Error(), "reasons the older schema cannot keep") {
			t.Errorf("on the way back: %v", err)
		}
		run("UPDATE deliveries SET reasons = ''")
		if _, err := p.DownTo(t.Context(), 32); err != nil {
			t.Fatal(err)
		}
		var back int
		if err := pool.QueryRow("SELECT count(*) FROM deliveries WHERE message LIKE 'message-%' AND notice LIKE '%title%'").
			Scan(&back); err != nil || back != n-1 {
			t.Errorf("%d came back, %v", back, err)
		}
	})
}

// moved compares what is stored with what was.
func moved(t *testing.T, pool *sql.DB, n int) {
	t.Helper()
	const joined = ` FROM deliveries d JOIN contents c ON c.id = d.content JOIN lanes l ON l.id = d.lane
		LEFT JOIN contents v ON v.id = d.variant `
	var all, texts, waiting, dead, differ int
	err := pool.QueryRow(`SELECT count(*), (SELECT count(*) FROM contents),
		sum(CASE WHEN d.state = 'waiting' THEN 1 ELSE 0 END), sum(CASE WHEN d.state = 'dead' THEN 1 ELSE 0 END), sum(CASE WHEN d.variant > 0 THEN 1 ELSE 0 END)`+joined).
		Scan(&all, &texts, &waiting, &dead, &differ)
	if err != nil || all != n || waiting != n/20 || dead != n/20 || differ != 1 || texts != n/10+1 {
		t.Errorf("%d deliveries, %d wait, %d are dead, %d differ, %d texts, %v", all, waiting, dead, differ, texts, err)
	}
	for _, id := range []int{1, 2, 8, 12, n / 2, n} {
		var message, address, owner, notice, reasons, manage, parcel string
		var due, settled int64
		err := pool.QueryRow(fmt.Sprintf(`SELECT c.message, l.address, l.owner, COALESCE(v.notice, c.notice), d.reasons,
			d.manage, d.parcel, d.due_at, d.settled_at`+joined+`WHERE d.id = %d`, id)).
			Scan(&message, &address, &owner, &notice, &reasons, &manage, &parcel, &due, &settled)
		who := (id-1)%10 + 1
		if err != nil || message != fmt.Sprint("message-", (id-1)/10) || address != fmt.Sprintf("user%d@example.org", who) ||
			owner != fmt.Sprint(who) || manage != "" || parcel != fmt.Sprint("parcel.", id) || due != int64(id) {
			t.Errorf("%d is %q to %q of %q, %q, %d, %d, %v", id, message, address, owner, parcel, due, settled, err)
		}
		var n struct {
			Title, Caution string
			Why            []any
		}
		if err := json.Unmarshal([]byte(notice), &n); err != nil || len(n.Why) > 0 || n.Caution != "\x00 é" ||
			n.Title != fmt.Sprintf("[bash] a title of %d", (id-1)/10) {
			t.Errorf("%d reads %s, %v", id, notice, err)
		}
		filter, revision, _ := strings.Cut(reasons, ":")
		var name, sentence string
		err = pool.QueryRow("SELECT name, sentence FROM filter_revisions WHERE id = "+cmp.Or(revision, "0")).
			Scan(&name, &sentence)
		if err != nil || filter != fmt.Sprint(who) || name != fmt.Sprint("filter ", who) ||
			sentence != "When anything at all happens" {
			t.Errorf("%d came by %q, which is %q, %q, %v", id, reasons, name, sentence, err)
		}
	}
	var broken string
	if err := pool.QueryRow(`SELECT COALESCE(v.notice, c.notice)` + joined + `WHERE d.id = 7`).Scan(&broken); err != nil ||
		broken != "{" {
		t.Errorf("what could not be read is %q, %v", broken, err)
	}
}

func sizeOf(t *testing.T, pool *sql.DB, driver string) (size int64) {
	t.Helper()
	query := "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	if driver == "pgx" {
		query = `SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
			JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = current_schema()`
	}
	if err := pool.QueryRow(query).Scan(&size); err != nil {
		t.Fatal(err)
	}
	return size
}
