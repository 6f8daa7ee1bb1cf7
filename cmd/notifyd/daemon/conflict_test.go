package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// genuine and forged are frames with one id: a push to bash, and something else that somebody made up. The site
// believes the source of the first.
func genuine(id string) bus.Frame {
	f := push(id, "bash")
	f.Source = "relay"
	return f
}

func forged(id, rev string) bus.Frame {
	f := push(id, "bash")
	f.Payload = []byte(strings.Replace(string(f.Payload), `"rev":"abc"`, fmt.Sprintf(`"rev":%q`, rev), 1))
	return f
}

// unproved is what genuine gives, from a source that nobody believes.
func unproved(id string) bus.Frame { return push(id, "bash") }

// aDoubter is aRouter at a site that believes the source relay.
func aDoubter(t *testing.T, d *migrations.DB) *router {
	t.Helper()
	r, _, _, _ := aRouter(t, d, about("bash", false))
	r.verifier = judging(t, trust.Config{Sources: map[string]trust.Source{"relay": {Trusted: true}}})
	return r
}

// take routes frames, each in a batch of its own, and forgets what was seen, as a node does that starts.
func take(t *testing.T, r *router, frames ...bus.Frame) {
	t.Helper()
	for _, f := range frames {
		if err := r.persist(t.Context(), []bus.Frame{f}); err != nil {
			t.Fatal(err)
		}
		r.dedup = bus.NewDedupWindow(100)
	}
}

// owed lists the deliveries in the order in which they were stored: message, state, and "!" for a correction. Derived
// ids are shown as x~.
func owed(t *testing.T, r *router) string {
	t.Helper()
	found, err := r.outbox.Find(t.Context(), outbox.Query{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(found)
	var all []string
	for _, e := range found {
		message, mark := prefs.Corrected(e.Message), ""
		if e.Notice.Unconfirmed {
			mark = "!"
		}
		if base, _, derived := strings.Cut(message, "~"); derived {
			message = base + "~"
		}
		all = append(all, message+" "+string(e.State)+mark)
	}
	return strings.Join(all, ", ")
}

// A catcher is a backend that keeps what it is given.
type catcher struct {
	mu      sync.Mutex
	parcels []backends.Parcel
}

func (c *catcher) Send(_ context.Context, p backends.Parcel) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parcels = append(c.parcels, p)
	return nil
}

func (c *catcher) notices() (all []backends.Notice) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.parcels {
		all = append(all, p.Notices...)
	}
	return all
}

// send sends what is due by mail until n notices were sent in all.
func send(t *testing.T, r *router, to *catcher, n int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.outbox.Run(ctx, map[string]backends.Backend{"email": to}) }()
	exectest.Eventually(t, 20*time.Second, fmt.Sprintf("%d notices are sent", n), func() bool {
		return len(to.notices()) >= n
	})
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// TestForgery sends what somebody may send who can write to the bus, and knows the id of a message.
func TestForgery(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames []bus.Frame
		want   string
	}{
		{"exact repeats", slices.Repeat([]bus.Frame{unproved("x")}, 50), "x waiting"},
		{"exact repeats of a proved one", slices.Repeat([]bus.Frame{genuine("x")}, 50), "x waiting"},
		{"a proved copy", []bus.Frame{unproved("x"), genuine("x"), unproved("x")}, "x waiting"},
		{"forged before genuine", []bus.Frame{forged("x", "evil"), genuine("x")}, "x~ dead, x waiting"},
		{"forged after genuine", []bus.Frame{genuine("x"), forged("x", "evil")}, "x waiting"},
		{"nobody is proved", []bus.Frame{unproved("x"), forged("x", "evil"), unproved("x")}, "x waiting, x~ waiting"},
		{"many forged ones", []bus.Frame{forged("x", "1"), forged("x", "2"), genuine("x"), forged("x", "3")},
			"x~ dead, x~ dead, x waiting"},
		{"the second copy is proved", []bus.Frame{forged("x", "evil"), unproved("x"), genuine("x")}, "x~ dead, x waiting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				r := aDoubter(t, d)
				take(t, r, c.frames...)
				if got := owed(t, r); got != c.want {
					t.Errorf("owed one by one: %s; want %s", got, c.want)
				}
			})
		})
	}
}

// TestForgeryInOneBatch is TestForgery where all comes at once: nobody is owed what is known to be forged.
func TestForgeryInOneBatch(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames []bus.Frame
		want   string
	}{
		{"forged before genuine", []bus.Frame{forged("x", "evil"), genuine("x")}, "x waiting"},
		{"many forged ones", []bus.Frame{forged("x", "1"), forged("x", "2"), genuine("x"), forged("x", "3")}, "x waiting"},
		{"nobody is proved", []bus.Frame{unproved("x"), forged("x", "evil"), unproved("x")}, "x waiting, x~ waiting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				r := aDoubter(t, d)
				if err := r.persist(t.Context(), c.frames); err != nil {
					t.Fatal(err)
				}
				if got := owed(t, r); got != c.want {
					t.Errorf("owed: %s; want %s", got, c.want)
				}
			})
		})
	}
}

// TestContradiction lets a forged message go out before the genuine one comes.
func TestContradiction(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, to := aDoubter(t, d), &catcher{}
		take(t, r, forged("x", "evil"))
		send(t, r, to, 1)
		take(t, r, genuine("x"), forged("x", "evil"), genuine("x"))
		send(t, r, to, 3)
		if got := owed(t, r); got != "x~ done, x~ done!, x done" {
			t.Errorf("owed: %s", got)
		}
		sent := to.notices()
		old, correction, last := sent[0], sent[1], sent[2]
		if last.Unconfirmed {
			correction, last = last, correction
		}
		if old.ID != "x" || last.ID != "x" || !strings.HasPrefix(correction.ID, "x~") || correction.Link != "" ||
			!correction.Unconfirmed || len(correction.Why) != 1 || correction.Why[0] != old.Why[0] {
			t.Errorf("sent %+v, then %+v and %+v", old, correction, last)
		}
		if ids := to.parcels; ids[0].ID == ids[1].ID || ids[1].ID == ids[2].ID || ids[1].Manage != ids[0].Manage {
			t.Errorf("parcels %+v", ids)
		}
		record, err := r.history.Get(t.Context(), "x", readers.Sources{})
		if err != nil || record.Standing.Verdict != bus.Trusted || !strings.Contains(string(record.Payload), `"abc"`) {
			t.Errorf("history has %+v, %v", record, err)
		}
	})
}

// TestNoCorrectionToClosedDestination switches the destination off before the genuine message comes.
func TestNoCorrectionToClosedDestination(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, to := aDoubter(t, d), &catcher{}
		take(t, r, forged("x", "evil"))
		send(t, r, to, 1)
		if err := d.Writer.Exec("UPDATE destinations SET is_on = ?", false).Error; err != nil {
			t.Fatal(err)
		}
		take(t, r, genuine("x"))
		if got := owed(t, r); !strings.HasPrefix(got, "x~ done") || strings.Contains(got, "!") {
			t.Errorf("owed: %s", got)
		}
	})
}

// TestForgeryGoesOutOfDigest queues a forged message in a digest.
func TestForgeryGoesOutOfDigest(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, to := aDoubter(t, d), &catcher{}
		store := openPrefs(d)
		var id struct{ ID, UserID uint }
		if err := d.Reader.Raw("SELECT id, user_id FROM destinations").Scan(&id).Error; err != nil {
			t.Fatal(err)
		}
		err := store.Destinations.SetSchedule(t.Context(), id.UserID, id.ID, schedule.Schedule{Count: 3})
		if err != nil {
			t.Fatal(err)
		}
		take(t, r, unproved("1"), forged("x", "evil"), genuine("x"))
		if got := owed(t, r); got != "1 waiting, x~ dead, x waiting" {
			t.Errorf("owed: %s", got)
		}
		take(t, r, unproved("3"))
		send(t, r, to, 3)
		if len(to.parcels) != 1 || len(to.notices()) != 3 {
			t.Fatalf("sent %+v", to.parcels)
		}
		for _, n := range to.notices() {
			if strings.Contains(fmt.Sprint(n), "evil") {
				t.Errorf("the digest has %+v", n)
			}
		}
	})
}

// TestConflictsAreCountedAndTold counts all, and logs one a minute.
func TestConflictsAreCountedAndTold(t *testing.T) {
	d := migratest.Open(t, migratest.SQLite(t))
	r, _, _, log := aRouter(t, d)
	for i := range 5 {
		take(t, r, unproved(fmt.Sprint(i)), forged(fmt.Sprint(i), "evil"))
	}
	if n := strings.Count(log.String(), "two messages claim one id"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, log)
	}
	if !strings.Contains(log.String(), "kept_as=0~") || !strings.Contains(log.String(), "id=0 ") {
		t.Errorf("the log says %s", log)
	}
	if got := counted(r.metrics.conflicts.WithLabelValues("test", "undecided")); got != 5 {
		t.Errorf("%v are counted, want 5", got)
	}
}

// TestForgeryOfASignedMessage forges a message that a publisher has signed.
func TestForgeryOfASignedMessage(t *testing.T) {
	text, err := os.ReadFile(vector(t, "x509-signed.json"))
	if err != nil {
		t.Fatal(err)
	}
	var signed []struct{ Name, Body string }
	if err := json.Unmarshal(text, &signed); err != nil || signed[0].Name != "plain" {
		t.Fatal(err)
	}
	frame := func(change func(map[string]any)) bus.Frame {
		var envelope map[string]any
		if err := json.Unmarshal([]byte(signed[0].Body), &envelope); err != nil {
			t.Fatal(err)
		}
		change(envelope)
		payload, err := json.Marshal(envelope)
		if err != nil {
			t.Fatal(err)
		}
		return bus.Frame{Source: "test", Topic: envelope["topic"].(string), Payload: payload}
	}
	evil := func(e map[string]any) { e["msg"] = map[string]any{"package": "evil"} }
	unsign := func(e map[string]any) { delete(e, "signature"); delete(e, "certificate"); delete(e, "crypto") }
	genuine := frame(func(map[string]any) {})
	for _, c := range []struct {
		name   string
		forged bus.Frame
		before string // what is owed where it comes first
		after  string
	}{
		{"changed", frame(evil), "x waiting", "x waiting"}, // its signature is wrong: it is dropped
		{"changed and not signed", frame(func(e map[string]any) { evil(e); unsign(e) }), "x~ dead, x waiting", "x waiting"},
		{"not signed", frame(unsign), "x waiting", "x waiting"},
		{"another time", frame(func(e map[string]any) { unsign(e); e["timestamp"] = 1700000001 }), "x waiting", "x waiting"},
	} {
		for order, frames := range map[string][]bus.Frame{"before": {c.forged, genuine}, "after": {genuine, c.forged}} {
			want := map[string]string{"before": c.before, "after": c.after}[order]
			t.Run(c.name+" "+order, func(t *testing.T) {
				d := migratest.Open(t, migratest.SQLite(t))
				all := rulespec.Filter{Name: "all", Rules: []rulespec.Rule{{Kind: "everything"}}}
				r, _, _, _ := aRouter(t, d, prefs.Filter{On: true, Filter: all})
				r.verifier = judging(t, trust.Config{CA: vector(t, "pki-ca.crt"), MaxAge: 876000 * time.Hour})
				take(t, r, frames...)
				m, err := bus.Decode(genuine, r.now())
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.ReplaceAll(owed(t, r), m.ID, "x"); got != want {
					t.Errorf("owed: %s; want %s", got, want)
				}
				record, err := r.history.Get(t.Context(), m.ID, readers.Sources{})
				if err != nil || record.Standing.Verdict != bus.Signed || string(record.Payload) != string(genuine.Payload) {
					t.Errorf("the history has %s %s, %v", record.Standing.Words(), record.Payload, err)
				}
			})
		}
	}
}

// TestForgeryAtTwoNodes lets two nodes take forged and genuine messages at the same time.
func TestForgeryAtTwoNodes(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r := aDoubter(t, d)
		other, _ := anotherRouter(t, d)
		other.verifier = r.verifier
		const messages, batch = 60, 6
		var wg sync.WaitGroup
		for node, at := range []*router{r, other} {
			wg.Go(func() {
				for begin := 0; begin < messages; begin += batch {
					var frames []bus.Frame
					for i := range batch {
						id := fmt.Sprint("m", begin+(i*5+node)%batch)
						if (begin/batch+node)%2 == 0 {
							frames = append(frames, genuine(id), unproved(id))
						} else {
							frames = append(frames, forged(id, "evil"), unproved(id))
						}
					}
					if err := at.persist(t.Context(), frames); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := r.metrics.failures() + other.metrics.failures(); n > 0 {
			t.Errorf("%v batches failed at first", n)
		}
		found, err := r.outbox.Find(t.Context(), outbox.Query{Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		states := make(map[string]outbox.State)
		for _, e := range found {
			states[e.Message] = e.State
			if strings.Contains(e.Message, "~") && e.State != outbox.Dead {
				t.Errorf("%s is %s", e.Message, e.State)
			}
		}
		for i := range messages {
			id := fmt.Sprint("m", i)
			record, err := r.history.Get(t.Context(), id, readers.Sources{})
			if err != nil || record.Standing.Verdict != bus.Trusted || states[id] != outbox.Waiting {
				t.Errorf("%s: the history has %s, the delivery is %q, %v", id, record.Standing.Words(), states[id], err)
			}
		}
	})
}
