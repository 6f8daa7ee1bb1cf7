package history_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// fill appends n messages of 20 applications, 200 topics, 1000 users and 5000 packages, some common and some rare, into
// three partitions where there are any.
func fill(t testing.TB, s *history.Store, d *migrations.DB, n int) {
	t.Helper()
	payload := []byte(`{"msg": "` + strings.Repeat("x", 1000) + `"}`)
	turn := n / 3
	for start := 0; start < n; start += 500 {
		if start > turn {
			turn += n / 3
			if err := s.Turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var events []*catalogue.Event
		for i := start; i < min(start+500, n); i++ {
			e := event(fmt.Sprintf("2026-%08d", i), i-n, fmt.Sprintf("org.example.prod.app%d.thing%d", i%20, i%200),
				[]string{fmt.Sprintf("user%d", i%1000), fmt.Sprintf("user%d", i%7)},
				[]string{fmt.Sprintf("package%d", i%5000)})
			e.Payload = payload
			events = append(events, e)
		}
		err := d.Writer.Transaction(func(tx *gorm.DB) error {
			_, err := s.Append(tx, events)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Writer.Exec("ANALYZE").Error; err != nil {
		t.Fatal(err)
	}
}

// idOf gives the id in the history of the nth message.
func idOf(t *testing.T, d *migrations.DB, n int) (id int64) {
	t.Helper()
	if err := d.Reader.Raw("SELECT id FROM messages ORDER BY id LIMIT 1 OFFSET ?", n-1).Scan(&id).Error; err != nil {
		t.Fatal(err)
	}
	return id
}

var searches = []struct {
	name  string
	query history.Query
	index map[bool]string // by Postgres
}{
	{"newest", history.Query{}, index("idx_messages_time")},
	{"time", history.Query{Since: noon.Add(-4 * time.Hour), Until: noon.Add(-3 * time.Hour)},
		index("idx_messages_time")},
	{"topic", history.Query{Topic: "org.example.prod.app3.thing3"}, index("idx_messages_topic")},
	{"app", history.Query{App: "app3"}, index("idx_messages_app")},
	{"user", history.Query{User: "user77"},
		map[bool]string{true: "message_users_0_pkey", false: "message_users USING PRIMARY KEY"}},
	{"package", history.Query{Package: "package77"},
		map[bool]string{true: "message_packages_0_pkey", false: "message_packages USING PRIMARY KEY"}},
	{"app and topic", history.Query{Topic: "org.example.prod.app3.thing3", App: "app3"}, index("idx_messages_topic")},
	{"user and rare package", history.Query{User: "user3", Package: "package77"},
		map[bool]string{true: "message_packages_0_pkey", false: "message_packages USING PRIMARY KEY"}},
	{"rare user and application", history.Query{User: "user77", App: "app17"},
		map[bool]string{true: "message_users_0_pkey", false: "message_users USING PRIMARY KEY"}},
	{"rare prefix", history.Query{Topic: "org.example.prod.none."}, index("idx_messages_time")},
}

// index gives the name of an index of messages; on PostgreSQL that of its part in the first partition.
func index(name string) map[bool]string {
	if name == "idx_messages_time" {
		return map[bool]string{true: "messages_0_sent_at_id_idx", false: name}
	}
	column := strings.TrimPrefix(name, "idx_messages_")
	return map[bool]string{true: "messages_0_" + column + "_sent_at_id_idx", false: name}
}

// TestSearchUsesIndexes explains the plan of each statement of each search: no statement may read a whole table, and
// the first one reads the index meant for it. (PostgreSQL may sort the rows of an index where they are few.)
func TestSearchUsesIndexes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 12000)
		for _, test := range searches {
			for _, before := range []int64{0, idOf(t, d, 7500)} {
				seen := &explainer{t: t, postgres: d.Postgres}
				q := test.query
				q.Limit, q.Before = 50, before
				if _, err := history.NewStore(nil, seen.open(d), time.Now).Search(t.Context(), q); err != nil {
					t.Fatal(err)
				}
				first := true
				for _, plan := range seen.plans {
					if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "SCAN messages") &&
						!strings.Contains(plan, "INDEX") ||
						strings.Contains(plan, "TEMP B-TREE") {
						t.Errorf("%s: %s", test.name, plan)
					}
					if !strings.Contains(plan, "ORDER BY") || strings.Contains(plan, "AS entries") { // the choice
						continue
					}
					if first && !strings.Contains(plan, test.index[d.Postgres]) {
						t.Errorf("%s: not by %s: %s", test.name, test.index[d.Postgres], plan)
					}
					first = false
				}
			}
		}
	})
}

// TestIDsUseIndexes: whatever asks for one message by its id on the bus reads no table for it.
func TestIDsUseIndexes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 4000)
		seen := &explainer{t: t, postgres: d.Postgres}
		reader := history.NewStore(nil, seen.open(d), time.Now)
		const id = "2026-00001234"
		for name, ask := range map[string]func() error{
			"Get":          func() error { _, err := reader.Get(t.Context(), id, readers.Sources{}); return err },
			"Place":        func() error { _, err := reader.Place(t.Context(), id); return err },
			"SelectedByID": func() error { _, err := reader.SelectedByID(t.Context(), id, readers.Sources{}); return err },
		} {
			seen.plans = nil
			if err := ask(); err != nil || len(seen.plans) == 0 {
				t.Fatalf("%s: %v, %d plans", name, err, len(seen.plans))
			}
			for _, plan := range seen.plans {
				if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "SCAN ") {
					t.Errorf("%s: %s", name, plan)
				}
			}
		}
	})
}

// TestPruneUsesIndexes: the bytes of each source and its oldest messages are read from one index.
func TestPruneUsesIndexes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 4000)
		size, err := s.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen := &explainer{t: t, postgres: d.Postgres}
		pruner := history.NewStore(d.Writer, seen.open(d), func() time.Time { return noon })
		if _, err := pruner.Prune(t.Context(), history.Keep{Age: 72 * time.Hour, Bytes: size.Bytes / 2}); err != nil {
			t.Fatal(err)
		}
		if len(seen.plans) < 10 {
			t.Fatalf("%d plans", len(seen.plans))
		}
		name := "idx_messages_source"
		if d.Postgres {
			name = "messages_0_source_received_at_id_size_idx"
		}
		for _, plan := range seen.plans {
			if d.Postgres && !strings.Contains(plan, "WHERE source") {
				continue // it reads the rows where they are few, or partitions
			}
			if !strings.Contains(plan, name) || strings.Contains(plan, "TEMP B-TREE") {
				t.Error(plan)
			}
		}
	})
}

// TestReadersUseIndexes: what bridges, replays and the paces of services read costs what it gives.
func TestReadersUseIndexes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 4000)
		put(t, s, d, event("2026-8d9b5b52-6a3f-4b0e-9c2f-0f5f6f2e7a11", 0, "org.example.prod.app1.thing1", nil, nil))
		seen := &explainer{t: t, postgres: d.Postgres}
		reader := history.NewStore(d.Writer, seen.open(d), func() time.Time { return noon })
		ctx, long := t.Context(), noon.Add(-9000*time.Hour)
		topic, id := []string{"org.example.prod.app3.thing3"}, []string{"8d9b5b52-6a3f-4b0e-9c2f-0f5f6f2e7a11"}
		after, until := idOf(t, d, 2000), idOf(t, d, 3000)
		for name, read := range map[string]func() (int, error){
			"headings": func() (int, error) { h, err := reader.Headings(ctx, after, until, 50); return len(h), err },
			"settled":  func() (int, error) { last, err := reader.Settled(ctx); return int(last), err },
			"kept":     func() (int, error) { k, err := reader.Kept(ctx, bus.KeptQuery{IDs: id}, 9, 1<<20); return len(k), err },
			"topics":   func() (int, error) { all, err := reader.Topics(ctx, 500); return len(all), err },
			"minutes":  func() (int, error) { m, err := reader.TopicMinutes(ctx, topic, long); return len(m), err },
		} {
			seen.plans = nil
			if n, err := read(); n == 0 || err != nil {
				t.Errorf("%s gives %d: %v", name, n, err)
			}
			for _, plan := range seen.plans {
				if strings.Contains(plan, "Seq Scan on messages") || strings.Contains(plan, "SCAN messages") {
					t.Errorf("%s: %s", name, plan)
				}
			}
		}
	})
}

// An explainer is a pool that records each query with its plan before it runs it.
type explainer struct {
	*sql.DB
	t        *testing.T
	postgres bool
	mu       sync.Mutex
	plans    []string
}

func (x *explainer) open(d *migrations.DB) *gorm.DB {
	x.t.Helper()
	pool, err := d.Reader.DB()
	if err != nil {
		x.t.Fatal(err)
	}
	x.DB = pool
	dialect := gorm.Dialector(&sqlite.Dialector{DriverName: "sqlite", Conn: x})
	if x.postgres {
		dialect = postgres.New(postgres.Config{Conn: x})
	}
	g, err := gorm.Open(dialect, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		x.t.Fatal(err)
	}
	return g
}

func (x *explainer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	explain := "EXPLAIN QUERY PLAN "
	if x.postgres {
		explain = "EXPLAIN "
	}
	rows, err := x.DB.QueryContext(ctx, explain+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	plan := query
	for rows.Next() {
		line := ""
		into := []any{&line}
		if !x.postgres {
			into = []any{new(int), new(int), new(int), &line}
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		plan += "\n\t" + line
	}
	x.mu.Lock()
	x.plans = append(x.plans, plan)
	x.mu.Unlock()
	return x.DB.QueryContext(ctx, query, args...)
}

func (x *explainer) BeginTx(context.Context, *sql.TxOptions) (gorm.ConnPool, error) { return x, nil }

func (x *explainer) Commit() error   { return nil }
func (x *explainer) Rollback() error { return nil }

// BenchmarkHistory measures on 100 000 messages of 1 KB: -bench History -benchtime 200x
func BenchmarkHistory(b *testing.B) {
	measure := func(b *testing.B, d *migrations.DB) {
		s := history.NewStore(d.Writer, d.Reader, func() time.Time { return noon.Add(time.Hour) })
		start := time.Now()
		fill(b, s, d, 100000)
		b.Logf("append, 500 a transaction: %.0f messages/s", 100000/time.Since(start).Seconds())
		for _, test := range searches {
			b.Run(strings.ReplaceAll(test.name, " ", "_"), func(b *testing.B) {
				q := test.query
				q.Limit = 50
				for b.Loop() {
					if _, err := s.Search(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run("size", func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Size(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("prune_500", func(b *testing.B) {
			for b.Loop() {
				size, err := s.Size(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				keep := history.Keep{Bytes: size.Bytes * (size.Messages - 499) / size.Messages}
				if n, err := s.Prune(b.Context(), keep); err != nil || n < 490 || n > 500 {
					b.Fatal(n, err)
				}
			}
		})
	}
	b.Run("sqlite", func(b *testing.B) { measure(b, migratest.Open(b, migratest.SQLite(b))) })
	b.Run("postgres", func(b *testing.B) { measure(b, migratest.Open(b, migratest.Postgres(b))) })
}
