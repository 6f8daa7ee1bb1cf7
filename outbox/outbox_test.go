package outbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// A clock is a now that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func open(d *migrations.DB, cfg Config, now func() time.Time, seed byte) *Outbox {
	return New(d.Writer, d.Reader, d.Postgres, cfg, now, rand.NewChaCha8([32]byte{seed}))
}

func delivery(message, destination string, due time.Time) Delivery {
	return Delivery{
		Message: message, Destination: destination, Backend: "mail", Address: destination + "@example.org", DueAt: due,
		Notice: backends.Notice{ID: message, Title: "title of " + message, Severity: "info"},
	}
}

func add(t testing.TB, o *Outbox, deliveries ...Delivery) int {
	t.Helper()
	added := 0
	err := o.writer.Transaction(func(tx *gorm.DB) (err error) {
		added, err = o.Add(tx, deliveries)
		return err
	})
	if err != nil {
		t.Fatalf("Add = %v", err)
	}
	o.Notify()
	return added
}

// take claims one parcel, or none.
func take(t testing.TB, o *Outbox) *claim {
	t.Helper()
	claims, err := o.claim(t.Context(), "mail", 1, nil)
	if err != nil {
		t.Fatalf("claim = %v", err)
	}
	if len(claims) == 0 {
		return nil
	}
	return &claims[0]
}

func complete(t testing.TB, o *Outbox, c *claim, err error) {
	t.Helper()
	if err := o.complete(t.Context(), []completion{o.classify(*c, err, false)}); err != nil {
		t.Fatalf("complete = %v", err)
	}
}

func messages(c *claim) []string {
	if c == nil {
		return nil
	}
	var list []string
	for _, r := range c.rows {
		list = append(list, r.Message)
	}
	return list
}

func all(t testing.TB, o *Outbox) []row {
	t.Helper()
	rows, err := readRows(o.reader, "ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestAddOnce(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		first, twin := delivery("m1", "1", c.now()), delivery("m1", "1", c.now())
		if n := add(t, o, first, twin, delivery("m1", "2", c.now())); n != 2 {
			t.Errorf("first Add = %d, want 2", n)
		}
		if n := add(t, o, first, delivery("m2", "1", c.now())); n != 1 {
			t.Errorf("second Add = %d, want 1", n)
		}
		complete(t, o, take(t, o), nil)
		complete(t, o, take(t, o), nil)
		complete(t, o, take(t, o), nil)
		if n := add(t, o, first, delivery("m2", "1", c.now())); n != 0 {
			t.Errorf("Add of what is done = %d, want 0", n)
		}
		if c := take(t, o); c != nil {
			t.Errorf("claimed %v after everything was done", messages(c))
		}
	})
}

func TestAddRollsBack(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		broken := errors.New("caller changed its mind")
		err := d.Writer.Transaction(func(tx *gorm.DB) error {
			if n, err := o.Add(tx, []Delivery{delivery("m", "1", c.now())}); n != 1 || err != nil {
				t.Errorf("Add = %d, %v", n, err)
			}
			return broken
		})
		if !errors.Is(err, broken) || len(all(t, o)) != 0 {
			t.Errorf("after a roll back (%v) %d rows are there", err, len(all(t, o)))
		}
	})
}

func TestAddMany(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		var many []Delivery
		for i := range 2500 {
			many = append(many, delivery(fmt.Sprint("m", i), fmt.Sprint(i%900), c.now()))
		}
		if n := add(t, o, many...); n != 2500 {
			t.Errorf("Add = %d, want 2500", n)
		}
	})
}

func TestAddStoresHostileText(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		bad := delivery("m\x00\xff", "1", c.now())
		bad.Notice.Title, bad.Notice.Text = "a\x00b\xff", string(make([]byte, 3*maxText))
		bad.Notice.Packages = make([]string, 5000)
		if n := add(t, o, bad, bad); n != 1 {
			t.Errorf("Add = %d, want 1", n)
		}
		n, err := take(t, o).rows[0].notice()
		if err != nil || len(n.Text) > maxText || len(n.Packages) != maxList {
			t.Errorf("notice has %d bytes and %d packages, %v", len(n.Text), len(n.Packages), err)
		}
	})
}

func TestDigestTravelsTogether(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{MaxNotices: 3}, c.now, 1)
		for i := range 5 {
			n := delivery(fmt.Sprint("m", i), "1", c.now().Add(time.Hour))
			n.Together = true
			add(t, o, n)
			c.pass(time.Minute)
		}
		if c := take(t, o); c != nil {
			t.Fatalf("claimed %v before it was due", messages(c))
		}
		c.pass(55 * time.Minute)
		first := take(t, o)
		if got := messages(first); !slices.Equal(got, []string{"m0", "m1", "m2"}) {
			t.Fatalf("first parcel = %v", got)
		}
		if other := take(t, o); other != nil {
			t.Fatalf("second parcel %v claimed while the first is in hand", messages(other))
		}
		complete(t, o, first, nil)
		if got := messages(take(t, o)); !slices.Equal(got, []string{"m3", "m4"}) {
			t.Fatalf("second parcel = %v", got)
		}
	})
}

func TestDigestIsPulledByCount(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		for i := range 3 {
			n := delivery(fmt.Sprint("m", i), "1", c.now().Add(24*time.Hour))
			n.Together, n.PullAt = true, 3
			if c := take(t, o); c != nil {
				t.Fatalf("claimed %v with %d waiting", messages(c), i)
			}
			add(t, o, n)
		}
		if got := messages(take(t, o)); len(got) != 3 {
			t.Errorf("pulled %v", got)
		}
	})
}

func TestRateCapMakesDigest(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{CapCount: 2, CapWindow: time.Hour}, c.now, 1)
		var storm []Delivery
		for i := range 6 {
			storm = append(storm, delivery(fmt.Sprint("m", i), "1", c.now()))
		}
		storm[5].Notice.Severity = "critical"
		add(t, o, append(storm, delivery("m0", "2", c.now()))...)
		var got [][]string
		for p := take(t, o); p != nil; p = take(t, o) {
			got = append(got, messages(p))
			c.pass(time.Millisecond) // who has just been served goes behind the others
			complete(t, o, p, nil)
		}
		if fmt.Sprint(got) != "[[m0] [m0] [m1] [m5]]" {
			t.Errorf("at once: %v", got)
		}
		c.pass(time.Hour)
		if got := messages(take(t, o)); !slices.Equal(got, []string{"m2", "m3", "m4"}) {
			t.Errorf("at the end of the window: %v", got)
		}
	})
}

func TestRetryKeepsParcel(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		digest := func(m string) Delivery {
			n := delivery(m, "1", c.now())
			n.Together = true
			return n
		}
		add(t, o, digest("m1"), digest("m2"))
		first := take(t, o)
		add(t, o, digest("m3"))
		complete(t, o, first, errors.New("451 try later, alice@example.org, https://x.example/?token=abc"))
		rows := all(t, o)
		if rows[0].LastError != "451 try later, [address], https://x.example/[address]" &&
			rows[0].LastError != "451 try later, [address] https://x.example/[address]" {
			t.Errorf("stored error = %q", rows[0].LastError)
		}
		next := take(t, o)
		if got := messages(next); !slices.Equal(got, []string{"m3"}) || next.parcel == first.parcel {
			t.Errorf("after the failure went %v in %s", got, next.parcel)
		}
		complete(t, o, next, nil)
		c.pass(time.Minute)
		again := take(t, o)
		if again == nil || again.parcel != first.parcel || !slices.Equal(messages(again), messages(first)) {
			t.Errorf("retry = %+v, want %v in %s", again, messages(first), first.parcel)
		}
	})
}

func resend(o *Outbox, id int64) error {
	return o.writer.Transaction(func(tx *gorm.DB) error { return o.Resend(tx, id, false) })
}

func TestRefusedIsDeadAndResendable(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		add(t, o, delivery("m1", "1", c.now()))
		p := take(t, o)
		complete(t, o, p, fmt.Errorf("550 no such user: %w", backends.ErrRefused))
		c.pass(24 * time.Hour)
		if p := take(t, o); p != nil {
			t.Fatal("a refused delivery was claimed again")
		}
		dead, err := o.Find(t.Context(), Query{State: Dead})
		if err != nil || len(dead) != 1 || dead[0].LastError == "" || dead[0].Attempts != 1 {
			t.Fatalf("Dead = %+v, %v", dead, err)
		}
		if err := resend(o, dead[0].ID+1); !errors.Is(err, ErrNotFound) {
			t.Errorf("Resend of nothing = %v", err)
		}
		if err := resend(o, dead[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := resend(o, dead[0].ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("Resend of what waits = %v", err)
		}
		again := take(t, o)
		if again == nil || again.parcel == p.parcel {
			t.Fatalf("after Resend: %+v", again)
		}
		complete(t, o, again, nil)
		if rows := all(t, o); rows[0].State != Done {
			t.Errorf("state %s after Resend", rows[0].State)
		}
	})
}

func TestGivesUp(t *testing.T) {
	for name, cfg := range map[string]Config{
		"attempts": {MaxAttempts: 5, GiveUpAfter: 1000 * time.Hour},
		"age":      {MaxAttempts: 5000, GiveUpAfter: 20 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				c := newClock()
				o := open(d, cfg, c.now, 1)
				add(t, o, delivery("m1", "1", c.now()))
				started, delays := c.now(), []time.Duration{}
				for all(t, o)[0].State != Dead {
					p := take(t, o)
					if p == nil {
						next, some, err := o.next(t.Context(), "mail")
						if err != nil || !some {
							t.Fatalf("next = %v, %v", next, err)
						}
						delays = append(delays, next)
						c.pass(next)
						continue
					}
					complete(t, o, p, errors.New("451 later"))
				}
				if name == "attempts" && len(delays) != 4 || name == "age" && c.now().Sub(started) < 20*time.Hour {
					t.Errorf("dead after %v: %v", c.now().Sub(started), delays)
				}
				if delays[0] > 30*time.Second || delays[3] < 2*time.Minute || slices.Max(delays) > 4*time.Hour {
					t.Errorf("delays %v", delays)
				}
			})
		})
	}
}

func TestUnavailableBurnsNothing(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{MaxAttempts: 2}, c.now, 1)
		add(t, o, delivery("m1", "1", c.now()))
		for range 10 {
			p := take(t, o)
			if p == nil {
				t.Fatal("not due again")
			}
			complete(t, o, p, fmt.Errorf("dial: %w", backends.ErrUnavailable))
			c.pass(24 * time.Hour)
		}
		complete(t, o, take(t, o), errors.New("451 later"))
		if r := all(t, o)[0]; r.State != Waiting || r.Attempts != 1 {
			t.Errorf("after an outage of ten days: %s, %d attempts", r.State, r.Attempts)
		}
	})
}

func TestExpiredLeaseIsTakenAgain(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o, other := open(d, Config{MaxAttempts: 3}, c.now, 1), open(d, Config{MaxAttempts: 3}, c.now, 2)
		add(t, o, delivery("m1", "1", c.now()))
		lost := take(t, o)
		if p := take(t, other); p != nil {
			t.Fatal("claimed under somebody's lease")
		}
		c.pass(time.Hour)
		again := take(t, other)
		if again == nil || again.parcel != lost.parcel || again.rows[0].Attempts != 1 {
			t.Fatalf("after the lease ran out: %+v", again)
		}
		complete(t, o, lost, errors.New("late failure of the first"))
		if r := all(t, o)[0]; r.State != Claimed || r.Attempts != 1 {
			t.Errorf("a lost lease changed the row: %+v", r)
		}
		complete(t, o, lost, nil)
		complete(t, other, again, errors.New("451"))
		if r := all(t, o)[0]; r.State != Done {
			t.Errorf("sent under a lost lease, but %s", r.State)
		}
	})
}

// TestAccountMailIsForgotten looks for the secret of a sign-in link after it was sent or given up.
func TestAccountMailIsForgotten(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		for i, answer := range []error{nil, backends.ErrRefused} {
			sent := delivery(fmt.Sprint("account-", i), Account+"mail:alice@example.org", c.now())
			sent.Notice.Link, sent.Notice.Text = "https://notify.example.org/signin/swordfish", "swordfish"
			add(t, o, sent)
			complete(t, o, take(t, o), errors.New("451 later"))
			c.pass(time.Hour)
			p := take(t, o)
			if p == nil || !strings.Contains(p.rows[0].Notice, "swordfish") {
				t.Fatal("the link was forgotten before it was sent")
			}
			complete(t, o, p, answer)
		}
		for _, r := range all(t, o) {
			if strings.Contains(r.Notice, "swordfish") {
				t.Errorf("%s still holds the link", r.State)
			}
			if n, err := r.notice(); err != nil || n.Title == "" {
				t.Errorf("%s lost its title: %v", r.State, err)
			}
		}
	})
}

func TestCancelAndFlush(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		later := c.now().Add(time.Hour)
		add(t, o, delivery("m1", "1", later), delivery("m1", "2", later))
		err := d.Writer.Transaction(func(tx *gorm.DB) error {
			if n, err := o.Cancel(tx, []string{"1"}, "switched off"); n != 1 || err != nil {
				t.Errorf("Cancel = %d, %v", n, err)
			}
			return o.Flush(tx, "2")
		})
		if err != nil {
			t.Fatal(err)
		}
		p := take(t, o)
		if p == nil || p.rows[0].Destination != "2" {
			t.Fatalf("flushed: %+v", p)
		}
		complete(t, o, p, nil)
		c.pass(2 * time.Hour)
		if p := take(t, o); p != nil {
			t.Errorf("cancelled, but claimed: %v", messages(p))
		}
		if next, some, err := o.next(t.Context(), "mail"); err != nil || some {
			t.Errorf("next = %v, %v, want nothing", next, err)
		}
	})
}

func TestPrune(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		for i := range 1200 {
			add(t, o, delivery(fmt.Sprint("m", i%12), fmt.Sprint(i/12), c.now()))
		}
		for {
			claims, err := o.claim(t.Context(), "mail", 200, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(claims) == 0 {
				break
			}
			var completions []completion
			for _, c := range claims {
				completions = append(completions, o.classify(c, nil, false))
			}
			if err := o.complete(t.Context(), completions); err != nil {
				t.Fatal(err)
			}
		}
		add(t, o, delivery("open", "1", c.now()))
		for _, age := range []time.Duration{29 * 24 * time.Hour, 2 * 24 * time.Hour} {
			before := len(all(t, o))
			c.pass(age)
			if err := o.prune(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d rows, then %d", before, len(all(t, o)))
		}
		var queues int64
		d.Reader.Model(&queue{}).Count(&queues)
		if rows := all(t, o); len(rows) != 1 || rows[0].Message != "open" || queues != 1 {
			t.Errorf("left: %d rows, %d queues", len(rows), queues)
		}
	})
}

// TestPruneAccountMail: mail about an account goes after a day, or a week where it was given up, and its queue, whose
// name has the address, with it. What goes to a destination stays.
func TestPruneAccountMail(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		sent, lost := delivery("sent", Account+"mail:a@example.org", c.now()), delivery("lost", Account+"mail:b@example.org",
			c.now())
		add(t, o, sent, lost, delivery("notice", "1", c.now()))
		for range 3 {
			p := take(t, o)
			var answer error
			if messages(p)[0] == "lost" {
				answer = backends.ErrRefused
			}
			complete(t, o, p, answer)
		}
		for _, step := range []struct {
			pass time.Duration
			want int // rows and queues
		}{{23 * time.Hour, 3}, {2 * time.Hour, 2}, {6 * 24 * time.Hour, 1}} {
			c.pass(step.pass)
			if err := o.prune(t.Context()); err != nil {
				t.Fatal(err)
			}
			var accounts int64
			d.Reader.Model(&queue{}).Where("destination LIKE ?", Account+"%").Count(&accounts)
			if rows := all(t, o); len(rows) != step.want || int(accounts) != step.want-1 {
				t.Errorf("after another %s: %d rows and %d queues of account mail", step.pass, len(rows), accounts)
			}
		}
	})
}

func TestViews(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		for i := range 7 {
			add(t, o, delivery(fmt.Sprint("m", i), fmt.Sprint(i%2), c.now().Add(time.Duration(i)*time.Minute)))
		}
		complete(t, o, take(t, o), nil)
		var seen []string
		var before int64
		for {
			page, err := o.Recent(t.Context(), []string{"0", "1"}, before, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				seen, before = append(seen, e.Notice.ID), e.ID
			}
		}
		if fmt.Sprint(seen) != "[m6 m5 m4 m3 m2 m1 m0]" {
			t.Errorf("Recent = %v", seen)
		}
		depth, err := o.Depth(t.Context())
		if err != nil || len(depth) != 1 || depth[0].Count != 6 || !depth[0].Oldest.Equal(c.now().Add(time.Minute)) {
			t.Errorf("Depth = %+v, %v", depth, err)
		}
		if none, err := o.Recent(t.Context(), nil, 0, 5); len(none) != 0 || err != nil {
			t.Errorf("Recent of no destination = %v, %v", none, err)
		}
	})
}
