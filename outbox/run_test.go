package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// A fakeBackend is the backend of a test. It counts what happens to it.
type fakeBackend struct {
	answer func(ctx context.Context, p backends.Parcel) error

	mu    sync.Mutex
	sends int
	now   map[string]int // sends in progress, by address
	most  int            // highest number of sends at the same time
	taken []string       // "address message" of what was taken, in order
	when  []time.Time    // of each taken
	twice error
}

func (m *fakeBackend) Send(ctx context.Context, p backends.Parcel) error {
	m.begin(p)
	defer m.end(p)
	err := m.answer(ctx, p)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		for _, n := range p.Notices {
			m.taken, m.when = append(m.taken, p.To+" "+n.ID), append(m.when, time.Now())
		}
	}
	return err
}

func (m *fakeBackend) begin(p backends.Parcel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now == nil {
		m.now = map[string]int{}
	}
	m.sends++
	m.now[p.To]++
	if m.now[p.To] > 1 {
		m.twice = fmt.Errorf("%s gets two parcels at once", p.To)
	}
	all := 0
	for _, n := range m.now {
		all += n
	}
	m.most = max(m.most, all)
}

func (m *fakeBackend) end(p backends.Parcel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now[p.To]--; m.now[p.To] == 0 {
		delete(m.now, p.To)
	}
}

// count gives the number of sends, and begins to look for the most at the same time anew.
func (m *fakeBackend) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.most = 0
	return m.sends
}

func (m *fakeBackend) highest() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.most
}

func (m *fakeBackend) got() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.taken...)
}

func takes(context.Context, backends.Parcel) error { return nil }

// bubble runs f in a synctest bubble with an outbox on a fresh SQLite file, whose time is the bubble's.
func bubble(t *testing.T, cfg Config, f func(t *testing.T, o *Outbox)) {
	file := migratest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		d, err := migrations.Open(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		f(t, New(d.Writer, d.Reader, false, cfg, time.Now, rand.NewChaCha8([32]byte{7})))
	})
}

// during runs the outbox while f runs.
func during(t *testing.T, o *Outbox, targets map[string]backends.Backend, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx, targets) }()
	f()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
}

func TestDeadBackendDelaysNobody(t *testing.T) {
	for name, answer := range map[string]func(context.Context, backends.Parcel) error{
		"hangs":       func(ctx context.Context, _ backends.Parcel) error { <-ctx.Done(); return ctx.Err() },
		"unavailable": func(context.Context, backends.Parcel) error { return backends.ErrUnavailable },
		"fails":       func(context.Context, backends.Parcel) error { return errors.New("no") },
		"panics":      func(context.Context, backends.Parcel) error { panic("bug in a backend") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, o *Outbox) {
				var dead atomic.Bool
				dead.Store(true)
				mail := &fakeBackend{answer: takes}
				chat := &fakeBackend{answer: func(ctx context.Context, p backends.Parcel) error {
					if dead.Load() {
						return answer(ctx, p)
					}
					return nil
				}}
				during(t, o, map[string]backends.Backend{"mail": mail, "irc": chat}, func() {
					for i := range 20 {
						m := delivery(fmt.Sprint("m", i), fmt.Sprint(i%7), time.Now())
						c := m
						c.Backend, c.Destination, c.Address = "irc", "c"+c.Destination, "c"+c.Address
						add(t, o, m, c)
						time.Sleep(time.Second) // the bubble's time
						synctest.Wait()
						if got := len(mail.got()); got != i+1 {
							t.Fatalf("after %d s %d mails were sent", i+1, got)
						}
					}
					if mail.when[19].Sub(mail.when[0]) > 20*time.Second {
						t.Errorf("mail was late: %v", mail.when[19].Sub(mail.when[0]))
					}
					dead.Store(false)
					time.Sleep(3 * time.Hour)
					synctest.Wait()
					if got := chat.got(); len(got) != 20 {
						t.Errorf("when it came back %d of 20 arrived: %v", len(got), got)
					}
				})
				if mail.twice != nil || chat.twice != nil {
					t.Error(mail.twice, chat.twice)
				}
			})
		})
	}
}

func TestBreakerProbesOneAtATime(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, o *Outbox) {
		var down atomic.Bool
		down.Store(true)
		chat := &fakeBackend{answer: func(context.Context, backends.Parcel) error {
			if !down.Load() {
				return nil
			}
			time.Sleep(time.Second)
			return fmt.Errorf("dial: %w", backends.ErrUnavailable)
		}}
		var many []Delivery
		for i := range 50 {
			many = append(many, delivery("m", fmt.Sprint(i), time.Now()))
		}
		during(t, o, map[string]backends.Backend{"mail": chat}, func() {
			add(t, o, many...)
			time.Sleep(time.Minute)
			first := chat.count()
			time.Sleep(time.Hour)
			synctest.Wait()
			if chat.highest() != 1 {
				t.Errorf("%d probes at the same time", chat.highest())
			}
			if probes := chat.count() - first; probes < 25 || probes > 70 {
				t.Errorf("%d probes in an hour; %d sends in the first minute", probes, first)
			}
			if first > 4+6 {
				t.Errorf("%d sends in the first minute", first)
			}
			down.Store(false)
			time.Sleep(2*time.Minute + 10*time.Second)
			synctest.Wait()
			if len(chat.got()) != 50 {
				t.Errorf("%d of 50 arrived after the outage", len(chat.got()))
			}
		})
		for _, r := range all(t, o) {
			if r.Attempts != 0 || r.State != Done {
				t.Fatalf("row %+v", r)
			}
		}
		if c := o.Counts()[0]; c.Sent != 50 || c.Down || c.Returned == 0 || c.Total.Count != 50 {
			t.Errorf("Counts = %+v", c)
		}
	})
}

func TestOrderWithinDestination(t *testing.T) {
	bubble(t, Config{Workers: 8}, func(t *testing.T, o *Outbox) {
		mail := &fakeBackend{answer: func(context.Context, backends.Parcel) error {
			time.Sleep(10 * time.Millisecond)
			return nil
		}}
		during(t, o, map[string]backends.Backend{"mail": mail}, func() {
			for i := range 30 {
				add(t, o, delivery(fmt.Sprintf("m%02d", i), "1", time.Now()),
					delivery(fmt.Sprintf("m%02d", i), "2", time.Now()))
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		})
		last := map[string]string{}
		for _, got := range mail.got() {
			to, message, _ := strings.Cut(got, " ")
			if message <= last[to] {
				t.Errorf("%s got %s after %s", to, message, last[to])
			}
			last[to] = message
		}
		if len(mail.got()) != 60 || mail.twice != nil {
			t.Errorf("%d of 60 arrived, %v", len(mail.got()), mail.twice)
		}
	})
}

func TestPoisonGoesToTheBack(t *testing.T) {
	bubble(t, Config{MaxAttempts: 4}, func(t *testing.T, o *Outbox) {
		mail := &fakeBackend{answer: func(_ context.Context, p backends.Parcel) error {
			if p.Notices[0].ID == "poison" {
				return errors.New("cannot render this")
			}
			return nil
		}}
		during(t, o, map[string]backends.Backend{"mail": mail}, func() {
			add(t, o, delivery("poison", "1", time.Now()), delivery("good", "1", time.Now()))
			synctest.Wait()
			time.Sleep(time.Second)
			synctest.Wait()
			if got := mail.got(); len(got) != 1 {
				t.Errorf("behind the poison came %v", got)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
		})
		if rows := all(t, o); rows[0].State != Dead || rows[0].Attempts != 4 || rows[1].State != Done {
			t.Errorf("poison is %s after %d attempts", rows[0].State, rows[0].Attempts)
		}
	})
}

func TestGoneAddressIsReported(t *testing.T) {
	var told []string
	cfg := Config{OnGone: func(_ context.Context, destination, reason string) {
		told = append(told, destination+": "+reason)
	}}
	bubble(t, cfg, func(t *testing.T, o *Outbox) {
		mail := &fakeBackend{answer: func(_ context.Context, p backends.Parcel) error {
			if p.Notices[0].ID == "m0" {
				return fmt.Errorf("554 spam: %w", backends.ErrRefused) // this content, not the address
			}
			return fmt.Errorf("550 <%s> unknown: %w", p.To, backends.ErrGone)
		}}
		during(t, o, map[string]backends.Backend{"mail": mail}, func() {
			add(t, o, delivery("m0", "42", time.Now()))
			time.Sleep(time.Second)
			add(t, o, delivery("m1", "42", time.Now()))
			time.Sleep(time.Second)
			synctest.Wait()
		})
		if len(told) != 1 || told[0] != "42: 550 <[address]> unknown: address refused" {
			t.Errorf("told %q", told)
		}
	})
}

func TestDrain(t *testing.T) {
	for _, test := range []struct {
		name  string
		needs time.Duration
		want  State
		took  time.Duration
	}{
		{"finishes in time", 3 * time.Second, Done, 2 * time.Second},
		{"takes too long", time.Hour, Waiting, 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{Workers: 1}, func(t *testing.T, o *Outbox) {
				mail := &fakeBackend{answer: func(ctx context.Context, _ backends.Parcel) error {
					if !wait(ctx, test.needs, nil) {
						return fmt.Errorf("cut short: %w", ctx.Err())
					}
					return nil
				}}
				var ending time.Time
				during(t, o, map[string]backends.Backend{"mail": mail}, func() {
					add(t, o, delivery("m1", "1", time.Now()), delivery("m1", "2", time.Now()))
					time.Sleep(time.Second)
					ending = time.Now()
				})
				if took := time.Since(ending); took != test.took {
					t.Errorf("Run returned after %v, want %v", took, test.took)
				}
				rows := all(t, o)
				if rows[0].State != test.want || rows[0].Attempts != 0 || rows[1].State != Waiting || mail.sends != 1 {
					t.Errorf("first %s after %d attempts, second %s, %d sends", rows[0].State, rows[0].Attempts,
						rows[1].State, mail.sends)
				}
				if c, err := o.claim(t.Context(), "mail", 10, nil); err != nil || test.want == Waiting && len(c) != 2 {
					t.Errorf("%d queues are free after the end, %v", len(c), err)
				}
			})
		})
	}
}

func TestNobodyIsStarved(t *testing.T) {
	bubble(t, Config{Workers: 1}, func(t *testing.T, o *Outbox) {
		mail := &fakeBackend{answer: func(context.Context, backends.Parcel) error {
			time.Sleep(100 * time.Millisecond)
			return nil
		}}
		var storm []Delivery
		for i := range 500 {
			storm = append(storm, delivery(fmt.Sprint("m", i), "busy", time.Now()))
		}
		during(t, o, map[string]backends.Backend{"mail": mail}, func() {
			add(t, o, storm...)
			time.Sleep(time.Second)
			add(t, o, delivery("m1", "quiet", time.Now()))
			time.Sleep(time.Second)
			synctest.Wait()
			if !strings.Contains(strings.Join(mail.got(), ","), "quiet@example.org") {
				t.Errorf("the quiet destination waits behind the busy one: %v", mail.got())
			}
		})
	})
}

// networks is a backend of several networks that fail apart: the part of the address before the first dot names one.
type networks struct{ *fakeBackend }

func (networks) Network(address string) string {
	name, _, _ := strings.Cut(address, ".")
	return name
}

// TestDeadNetworkDelaysNoOther has one backend with two networks: one is down, with a long queue.
func TestDeadNetworkDelaysNoOther(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, o *Outbox) {
		var down atomic.Bool
		down.Store(true)
		var dialled atomic.Int64
		chat := networks{&fakeBackend{answer: func(_ context.Context, p backends.Parcel) error {
			if strings.HasPrefix(p.To, "dead") && down.Load() {
				dialled.Add(1)
				return fmt.Errorf("not connected: %w", backends.ErrUnavailable)
			}
			return nil
		}}}
		to := func(message, address string) Delivery {
			d := delivery(message, address, time.Now())
			d.Address = address
			return d
		}
		during(t, o, map[string]backends.Backend{"mail": chat}, func() {
			var many []Delivery
			for i := range 50 {
				many = append(many, to("m", fmt.Sprint("dead.", i)))
			}
			add(t, o, many...)
			for i := range 60 {
				add(t, o, to(fmt.Sprint("m", i), "well.alice"))
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if got := len(chat.got()); got != i+1 {
					t.Fatalf("after %d messages %d arrived on the network that is well", i+1, got)
				}
			}
			if n := dialled.Load(); n > 25 {
				t.Errorf("%d sends to the dead network in ten minutes", n)
			}
			down.Store(false)
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			if got := len(chat.got()); got != 110 {
				t.Errorf("%d of 110 arrived in the end", got)
			}
		})
		for _, r := range all(t, o) {
			if r.Attempts != 0 || r.State != Done {
				t.Fatalf("row %+v", r)
			}
		}
	})
}

// TestCancelEndsTheRetriesOfWhatIsBeingSent cancels during a send that then fails for now.
func TestCancelEndsTheRetriesOfWhatIsBeingSent(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, o *Outbox) {
		mail := &fakeBackend{answer: func(ctx context.Context, _ backends.Parcel) error {
			wait(ctx, time.Minute, nil)
			return errors.New("451 try later")
		}}
		during(t, o, map[string]backends.Backend{"mail": mail}, func() {
			add(t, o, delivery("m1", "42", time.Now()))
			time.Sleep(time.Second)
			if err := o.CancelOne(t.Context(), "42", "switched off"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
		})
		if rows := all(t, o); rows[0].State != Dead {
			t.Errorf("the delivery is %s, want it dead", rows[0].State)
		}
	})
}

// TestStopWithADatabaseThatHangs lets the database stop answering while a send is in hand, whose address turns out to
// be gone: the end still comes within the time that was given, and the parcel is taken up afterwards.
func TestStopWithADatabaseThatHangs(t *testing.T) {
	cfg := Config{Drain: 5 * time.Second, Finish: 3 * time.Second,
		OnGone: func(ctx context.Context, _, _ string) { <-ctx.Done() }}
	bubble(t, cfg, func(t *testing.T, o *Outbox) {
		mail := &fakeBackend{answer: func(_ context.Context, p backends.Parcel) error {
			time.Sleep(4 * time.Second)
			return backends.ErrGone
		}}
		var hanging *gorm.DB
		var ending time.Time
		during(t, o, map[string]backends.Backend{"mail": mail}, func() {
			add(t, o, delivery("m1", "1", time.Now()), delivery("m2", "2", time.Now()))
			time.Sleep(3 * time.Second)
			hanging = o.writer.Begin() // the only connection that writes
			ending = time.Now()
		})
		if took := time.Since(ending); took > 8*time.Second {
			t.Errorf("Run returned after %v, want 8 s at most", took)
		}
		if err := hanging.Rollback().Error; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // the lease
		if c, err := o.claim(t.Context(), "mail", 10, nil); err != nil || len(c) != 2 {
			t.Errorf("%d parcels can be taken up, %v, want 2", len(c), err)
		}
	})
}
