package outbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// waitingFor gives the rows of a destination that wait, and how many notices were folded into one of them.
func waitingFor(t *testing.T, o *Outbox, destination string) (rows, foldedIn int) {
	t.Helper()
	for _, r := range all(t, o) {
		if r.Destination != destination || r.State != Waiting {
			continue
		}
		rows++
		if n, err := r.notice(); err == nil {
			foldedIn += n.Folded
		}
	}
	return rows, foldedIn
}

// TestNotTooManyWait: what comes beyond the bound is counted in one notice, none is lost silently, and others are not
// concerned; when there is room again, notices are kept again.
func TestNotTooManyWait(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{MostWaiting: 10}, c.now, 1)
		later := c.now().Add(time.Hour)
		owed := func(from, to int) (list []Delivery) {
			for i := from; i < to; i++ {
				list = append(list, delivery(fmt.Sprint("m", i), "1", later))
			}
			return list
		}
		add(t, o, owed(0, 4)...)
		add(t, o, owed(4, 30)...)
		add(t, o, delivery("m1", "2", later))
		add(t, o, owed(30, 35)...)
		if n := add(t, o, owed(0, 5)...); n != 0 {
			t.Errorf("%d repeats were stored", n)
		}
		if rows, in := waitingFor(t, o, "1"); rows != 11 || in != 25 {
			t.Errorf("%d wait and %d were counted, want 11 and 25", rows, in)
		}
		if rows, in := waitingFor(t, o, "2"); rows != 1 || in != 0 {
			t.Errorf("of another destination %d wait, %d were counted", rows, in)
		}
		critical, account := delivery("c1", "1", later), delivery("a1", Account+"email:a@example.org", later)
		critical.Notice.Severity = "critical"
		if n := add(t, o, critical, account); n != 2 {
			t.Errorf("%d of a critical notice and account mail were stored", n)
		}
		if got := o.Counts()[0].Folded; got != 25 {
			t.Errorf("the metric says %d", got)
		}
		c.pass(time.Hour)
		sent := 0
		for p := take(t, o); p != nil; p = take(t, o) {
			for _, r := range p.rows {
				if n, err := r.notice(); err == nil && n.Folded > 0 && !strings.Contains(n.Title, "25 notices were") {
					t.Errorf("it says %q", n.Title)
				}
			}
			sent += len(p.rows)
			complete(t, o, p, nil)
		}
		if sent != 14 {
			t.Errorf("%d were sent", sent)
		}
		c.pass(countAgain)
		if n := add(t, o, owed(40, 45)...); n != 5 {
			t.Errorf("%d are kept when there is room again", n)
		}
	})
}

// TestWhatWasSentIsSlim: of a notice that was sent the page's part is kept, and not what only its medium needed.
func TestWhatWasSentIsSlim(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		full := delivery("m1", "1", c.now())
		full.Notice = backends.Notice{ID: "m1", Topic: "org.t", Title: "A title", Text: strings.Repeat("long ", 1000),
			Link: "https://example.org/1", Icon: "https://example.org/icon", Users: []string{"needle-user"},
			Packages: []string{"needle-package"}, Objects: []string{"thread", "needle-object"},
			Why: []backends.Reason{{Filter: "Mine", Sentence: "When it is mine", Link: "https://n/filters/1",
				Stop: "https://n/stop/needle"}}}
		dead := full
		dead.Message, dead.Destination = "m2", "2"
		add(t, o, full, dead)
		p := take(t, o)
		complete(t, o, p, nil)
		q := take(t, o)
		complete(t, o, q, backends.ErrRefused)
		if err := o.slim(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, r := range all(t, o) {
			n, err := r.notice()
			if err != nil {
				t.Fatal(err)
			}
			if r.State == Dead { // it can be sent again
				if len(n.Text) != 5000 || n.Why[0].Stop == "" {
					t.Error("a dead letter has lost something")
				}
				continue
			}
			why := n.Why[0]
			if n.Title != "A title" || n.Link == "" || why.Filter != "Mine" || why.Sentence == "" || why.Link == "" ||
				n.Topic != "org.t" || n.Objects[0] != "thread" || !strings.HasPrefix(n.Text, "long long") {
				t.Errorf("pages miss something: %+v", n)
			}
			found, err := o.Find(t.Context(), Query{IDs: []int64{r.ID}})
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			if e := found[0].Notice; e.ID != "m1" || e.Time.IsZero() || e.Severity != "info" {
				t.Errorf("it is read as %+v", e)
			}
			if strings.Contains(r.Notice, "needle") || len(r.Notice) > 600 {
				t.Errorf("%d bytes are kept: %s", len(r.Notice), r.Notice)
			}
		}
	})
}

// TestOutboxKeepsToItsSize: the oldest that was sent goes first, then what was given up, and never what is young or
// waits.
func TestOutboxKeepsToItsSize(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{KeepBytes: 12_000}, c.now, 1)
		fill := func(state State, from, to int, settled time.Time) {
			for i := from; i < to; i++ {
				add(t, o, delivery(fmt.Sprint("m", i), fmt.Sprint(i), c.now().Add(time.Hour)))
			}
			done := d.Writer.Exec("UPDATE deliveries SET state = ?, settled_at = ? WHERE id > ?", state, stamp(settled), from)
			if done.Error != nil {
				t.Fatal(done.Error)
			}
		}
		fill(Done, 0, 20, c.now().Add(-72*time.Hour))
		fill(Dead, 20, 40, c.now().Add(-72*time.Hour))
		fill(Done, 40, 60, c.now())
		for i := 60; i < 80; i++ {
			add(t, o, delivery(fmt.Sprint("m", i), fmt.Sprint(i), c.now().Add(time.Hour)))
		}
		if err := o.prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := map[State]int{}
		for _, r := range all(t, o) {
			left[r.State]++
		}
		if left[Waiting] != 20 || left[Done] != 20 || left[Dead] >= 20 {
			t.Errorf("left are %v", left)
		}
	})
}
