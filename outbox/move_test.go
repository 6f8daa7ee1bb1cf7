package outbox

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// follow is AddAfter. The corrections are of the same notice, under the name of the message and "!".
func follow(t testing.TB, o *Outbox, moves []Move, deliveries ...Delivery) {
	t.Helper()
	err := o.writer.Transaction(func(tx *gorm.DB) error {
		_, err := o.AddAfter(tx, moves, correction, deliveries)
		return err
	})
	if err != nil {
		t.Fatalf("AddAfter = %v", err)
	}
}

func correction(_ *gorm.DB, sent []Entry) (corrections []Delivery, err error) {
	for _, e := range sent {
		corrections = append(corrections, Delivery{Message: e.Message + "!", Destination: e.Destination, Backend: e.Backend,
			Address: e.Address, Notice: e.Notice, Manage: e.Manage, DueAt: e.AddedAt})
	}
	return corrections, nil
}

// states lists the rows: message, destination, state.
func states(t testing.TB, o *Outbox) string {
	t.Helper()
	var list []string
	for _, r := range all(t, o) {
		list = append(list, fmt.Sprintf("%s/%s %s", r.Message, r.Destination, r.State))
	}
	return strings.Join(list, ", ")
}

// TestWithdraw withdraws a message whose deliveries are in every state.
func TestWithdraw(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		clock := newClock()
		o := open(d, Config{}, clock.now, 1)
		digest := delivery("x", "done", clock.now())
		digest.Together = true
		other := delivery("y", "done", clock.now())
		other.Together = true
		add(t, o, digest, other)
		complete(t, o, take(t, o), nil)
		add(t, o, delivery("x", "failed", clock.now()))
		complete(t, o, take(t, o), errors.New("451 try later"))
		add(t, o, delivery("x", "claimed", clock.now()))
		inHand := take(t, o)
		add(t, o, delivery("x", "waiting", clock.now()), delivery("y", "waiting", clock.now()))
		follow(t, o, []Move{{From: "x", To: "x~1", Withdraw: "it is not true"}}, delivery("x", "waiting", clock.now()))
		want := "x~1/done done, y/done done, x~1/failed dead, x~1/claimed dead, x~1/waiting dead, y/waiting waiting, " +
			"x~1!/done waiting, x~1!/claimed waiting, x/waiting waiting"
		if got := states(t, o); got != want {
			t.Errorf("%s; want %s", got, want)
		}
		complete(t, o, inHand, errors.New("451 try later"))
		for _, r := range all(t, o) {
			if dead := r.State == Dead; dead != (r.LastError == "withdrawn: it is not true") {
				t.Errorf("%s to %s is %s because of %q", r.Message, r.Destination, r.State, r.LastError)
			}
		}
		var sent []string
		for c := take(t, o); c != nil; c = take(t, o) {
			sent = append(sent, messages(c)...)
			complete(t, o, c, nil)
		}
		if got := strings.Join(sent, " "); len(sent) != 4 || strings.Contains(got+" ", "x~1 ") {
			t.Errorf("sent %s", got)
		}
		err := o.writer.Transaction(func(tx *gorm.DB) error { return o.Resend(tx, all(t, o)[2].ID, false) })
		if !errors.Is(err, ErrUnsendable) || !strings.Contains(err.Error(), "it is not true") {
			t.Errorf("Resend of what was withdrawn = %v", err)
		}
	})
}

// TestWithdrawFromDigestInHand withdraws one notice of a digest that is tried again.
func TestWithdrawFromDigestInHand(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		clock := newClock()
		o := open(d, Config{}, clock.now, 1)
		one, two := delivery("x", "1", clock.now()), delivery("y", "1", clock.now())
		one.Together, two.Together = true, true
		add(t, o, one, two)
		p := take(t, o)
		complete(t, o, p, errors.New("451 try later"))
		follow(t, o, []Move{{From: "x", To: "x", Withdraw: "it is not true"}})
		clock.pass(o.cfg.RetryMost)
		again := take(t, o)
		if got := strings.Join(messages(again), " "); got != "y" || again.parcel != p.parcel {
			t.Errorf("tried again: %q as %s, want y as %s", got, again.parcel, p.parcel)
		}
	})
}

// TestMoveOntoAnother gives deliveries an id under which the same destination has one already.
func TestMoveOntoAnother(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		clock := newClock()
		o := open(d, Config{}, clock.now, 1)
		add(t, o, delivery("x~1", "1", clock.now()), delivery("x", "1", clock.now()), delivery("x", "2", clock.now()))
		follow(t, o, []Move{{From: "x", To: "x~1"}}, delivery("x", "1", clock.now()))
		if got := states(t, o); got != "x~1/1 waiting, x~1/2 waiting, x/1 waiting" {
			t.Error(got)
		}
	})
}

// TestRefresh gives a notice to deliveries that are there.
func TestRefresh(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		clock := newClock()
		o := open(d, Config{}, clock.now, 1)
		add(t, o, delivery("x", "1", clock.now()))
		complete(t, o, take(t, o), errors.New("451 try later"))
		add(t, o, delivery("x", "2", clock.now()))
		for _, to := range []string{"1", "2", "3"} {
			again := delivery("x", to, clock.now())
			again.Refresh, again.Notice.Title = true, "signed"
			add(t, o, again)
		}
		var titles []string
		for _, r := range all(t, o) {
			n, err := r.notice()
			if err != nil {
				t.Fatal(err)
			}
			titles = append(titles, n.Title)
		}
		if got := strings.Join(titles, ", "); got != "title of x, signed, signed" {
			t.Errorf("titles: %s", got)
		}
	})
}

// TestWithdrawBesideOthers lets several nodes withdraw, add and send at once: none waits for another for ever, and
// nothing that was withdrawn is owed.
func TestWithdrawBesideOthers(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		clock := newClock()
		o := open(d, Config{CapCount: -1}, clock.now, 1)
		to := []string{"d", "b", "a", "c"}
		for round := range 10 {
			for i := range 4 {
				for k := range to {
					add(t, o, delivery(fmt.Sprintf("m%d-%d", round, i), to[(k+i)%4], clock.now()))
				}
			}
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					id := fmt.Sprintf("m%d-%d", round, i)
					var more []Delivery
					for k := range to {
						more = append(more, delivery(id, to[(k+2*i)%4], clock.now()))
					}
					follow(t, o, []Move{{From: id, To: id + "~", Withdraw: "it is not true"}}, more...)
				})
				wg.Go(func() {
					if c := take(t, o); c != nil {
						complete(t, o, c, nil)
					}
				})
			}
			wg.Wait()
		}
		for _, r := range all(t, o) {
			if strings.HasSuffix(r.Message, "~") && r.State != Dead && r.State != Done {
				t.Errorf("%s to %s is %s", r.Message, r.Destination, r.State)
			}
		}
	})
}
