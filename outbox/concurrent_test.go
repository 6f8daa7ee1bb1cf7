package outbox

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// until polls until holds.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// TestNodesShareTheWork runs several outboxes on one PostgreSQL database while others add: nothing is sent twice,
// nothing is left, no destination gets two parcels at once, and the database never says that it is busy. On SQLite one
// node runs: a second would send again at its start what the first one is sending.
func TestNodesShareTheWork(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		const adders, batches = 4, 25
		nodes := 1
		if d.Postgres {
			nodes = 3
		}
		log, sink := &exectest.Log{}, &fakeBackend{answer: takes}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var running, adding sync.WaitGroup
		var outboxes []*Outbox
		for i := range nodes {
			// the lease outlives any pause of a busy machine: a node that loses its leases may send twice
			config := Config{
				Poll: 20 * time.Millisecond, Lease: time.Hour, Log: slog.New(slog.NewTextHandler(log, nil)),
			}
			o := open(d, config, time.Now, byte(i))
			outboxes = append(outboxes, o)
			running.Go(func() {
				if err := o.Run(ctx, map[string]backends.Backend{"mail": sink}); err != nil {
					t.Error(err)
				}
			})
		}
		for i := range adders {
			adding.Go(func() {
				for n := range batches {
					var batch []Delivery
					for k := range 10 {
						one := delivery(fmt.Sprint("m", n*10+k), fmt.Sprint((i+k)%13), time.Now())
						one.Together = k%3 == 0
						batch = append(batch, one)
					}
					add(t, outboxes[i%nodes], batch...)
				}
			})
		}
		adding.Wait()
		count := func(rows *gorm.DB) (n int64) {
			if err := rows.Count(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		want := count(d.Reader.Model(&record{}))
		until(t, "everything is sent", func() bool {
			return count(d.Reader.Model(&record{}).Where("state = ?", Done)) == want
		})
		cancel()
		running.Wait()
		seen := map[string]bool{}
		for _, got := range sink.got() {
			if seen[got] {
				t.Errorf("%s was sent twice", got)
			}
			seen[got] = true
		}
		if int64(len(seen)) != want || sink.twice != nil || strings.Contains(log.String(), "ERROR") {
			t.Errorf("%d of %d sent; %v; log: %s", len(seen), want, sink.twice, log)
		}
	})
}

// TestDigestIsPulledOnceByTwoNodes adds to one digest from two connections at the same time: the count is exact.
func TestDigestIsPulledByTwoNodes(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		for round := range 10 {
			var adding sync.WaitGroup
			for i := range 2 {
				adding.Go(func() {
					one := delivery(fmt.Sprint("m", round, i), fmt.Sprint(round), c.now().Add(time.Hour))
					one.Together, one.PullAt = true, 2
					add(t, o, one)
				})
			}
			adding.Wait()
			if got := messages(take(t, o)); len(got) != 2 {
				t.Fatalf("round %d: pulled %v", round, got)
			}
		}
	})
}

func TestFullDisk(t *testing.T) {
	d, err := migrations.Open(t.Context(), migratest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c := newClock()
	o := open(d, Config{}, c.now, 1)
	add(t, o, delivery("before", "1", c.now()))
	var pages int
	d.Writer.Raw("PRAGMA page_count").Scan(&pages)
	d.Writer.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+2))
	big := delivery("big", "1", c.now())
	big.Notice.Text = strings.Repeat("x", 60_000)
	err = d.Writer.Transaction(func(tx *gorm.DB) error {
		_, err := o.Add(tx, []Delivery{big})
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("Add on a full disk = %v", err)
	}
	d.Writer.Exec("PRAGMA max_page_count = 1000000")
	if n := add(t, o, big); n != 1 {
		t.Errorf("afterwards Add = %d", n)
	}
	for _, want := range []string{"before", "big"} {
		p := take(t, o)
		if got := messages(p); len(got) != 1 || got[0] != want {
			t.Fatalf("claimed %v, want %s", got, want)
		}
		complete(t, o, p, nil)
	}
}

// TestUnwritableDatabase makes the database refuse to be written after a parcel went out, for longer than the lease:
// the outbox keeps in mind that it was sent.
func TestUnwritableDatabase(t *testing.T) {
	log := &exectest.Log{}
	bubble(t, Config{Log: slog.New(slog.NewTextHandler(log, nil))}, func(t *testing.T, o *Outbox) {
		mail := &fakeBackend{answer: func(context.Context, backends.Parcel) error {
			o.writer.Exec("PRAGMA query_only = 1")
			return nil
		}}
		during(t, o, map[string]backends.Backend{"mail": mail}, func() {
			add(t, o, delivery("m1", "1", time.Now()))
			time.Sleep(time.Hour)
			synctest.Wait()
			if !strings.Contains(log.String(), "cannot record a delivery") {
				t.Error("nobody was told")
			}
			o.writer.Exec("PRAGMA query_only = 0")
			time.Sleep(time.Minute)
			synctest.Wait()
		})
		if rows := all(t, o); mail.sends != 1 || rows[0].State != Done {
			t.Errorf("%d sends, %s", mail.sends, rows[0].State)
		}
	})
}

// TestLeaseOfALongSend lets a send take longer than a lease: another node does not take it up before this one has died.
func TestLeaseOfALongSend(t *testing.T) {
	bubble(t, Config{Lease: 40 * time.Second}, func(t *testing.T, o *Outbox) {
		other := New(o.writer, o.reader, false, Config{Lease: 40 * time.Second}, time.Now, rand.Reader)
		mail := &fakeBackend{answer: func(context.Context, backends.Parcel) error {
			time.Sleep(100 * time.Second)
			return nil
		}}
		add(t, o, delivery("m1", "1", time.Now()))
		during(t, o, map[string]backends.Backend{"mail": mail}, func() {
			for range 95 {
				time.Sleep(time.Second)
				if p := take(t, other); p != nil {
					t.Fatalf("another node took %s while it was being sent", p.parcel)
				}
			}
		})
		add(t, o, delivery("m2", "1", time.Now()))
		dead := take(t, o)
		time.Sleep(41 * time.Second)
		if p := take(t, other); p == nil || p.parcel != dead.parcel {
			t.Errorf("41 s after a node died the other has %v, want %s", p, dead.parcel)
		}
	})
}
