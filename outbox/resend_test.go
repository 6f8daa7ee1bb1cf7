package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func cancel(t *testing.T, o *Outbox, destination string) {
	t.Helper()
	if err := o.CancelOne(t.Context(), destination, "switched off"); err != nil {
		t.Fatal(err)
	}
}

// TestResendRefuses has every reason for which a dead letter cannot go again.
func TestResendRefuses(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		refuse := func(want string, id int64) {
			t.Helper()
			if err := resend(o, id); !errors.Is(err, ErrUnsendable) || !strings.Contains(err.Error(), want) {
				t.Errorf("Resend = %v, want %q", err, want)
			}
		}
		account := delivery("account-1", Account+"mail:alice@example.org", c.now())
		account.Notice.Text = "swordfish"
		add(t, o, account)
		complete(t, o, take(t, o), backends.ErrRefused)
		refuse("its text was wiped", 1)

		add(t, o, delivery("m2", "1", c.now()))
		complete(t, o, take(t, o), backends.ErrRefused)
		d.Writer.Exec("UPDATE contents SET notice = '{' WHERE id = 2")
		refuse("cannot be read", 2)
		if found, err := o.Find(t.Context(), Query{}); err != nil || len(found) != 2 ||
			found[0].Notice.Title != unreadable {
			t.Errorf("Find = %+v, %v", found, err)
		}

		// cancelled while it is being sent: nothing may go twice
		add(t, o, delivery("m3", "2", c.now()))
		p := take(t, o)
		cancel(t, o, "2")
		refuse("cancelled while it was being sent", 3)
		complete(t, o, p, errors.New("451 later"))
		if err := resend(o, 3); err != nil {
			t.Errorf("after that send was over: %v", err)
		}
		p = take(t, o)
		cancel(t, o, "2")
		complete(t, o, p, nil)
		if err := resend(o, 3); !errors.Is(err, ErrNotFound) {
			t.Errorf("Resend of what was sent after all = %v", err)
		}

		// while another parcel is on its way to the same destination a dead letter may go again
		add(t, o, delivery("m4", "3", c.now()))
		complete(t, o, take(t, o), backends.ErrRefused)
		add(t, o, delivery("m5", "3", c.now()))
		p = take(t, o)
		if err := resend(o, 4); err != nil {
			t.Errorf("beside another parcel: %v", err)
		}
		complete(t, o, p, nil)
		if got := messages(take(t, o)); len(got) != 1 || got[0] != "m4" {
			t.Errorf("then %v goes, want m4", got)
		}
	})
}

// TestResendTogether sends many again in one parcel.
func TestResendTogether(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		for i := range 5 {
			add(t, o, delivery(fmt.Sprint("m", i), "1", c.now().Add(time.Hour)))
		}
		cancel(t, o, "1")
		for id := range 5 {
			err := o.writer.Transaction(func(tx *gorm.DB) error { return o.Resend(tx, int64(id+1), true) })
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := messages(take(t, o)); len(got) != 5 {
			t.Errorf("one parcel has %v, want all five", got)
		}
	})
}

// TestResendOfAnyTitle: what somebody writes on the bus does not decide whether it can be sent again.
func TestResendOfAnyTitle(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		one := delivery("m1", "1", c.now())
		one.Notice.Title = unreadable
		add(t, o, one)
		cancel(t, o, "1")
		if err := o.writer.Transaction(func(tx *gorm.DB) error { return o.Resend(tx, 1, false) }); err != nil {
			t.Error(err)
		}
	})
}

func TestFindAndDrop(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		for i := range 8 {
			one := delivery(fmt.Sprint("m", i), fmt.Sprint(i%2), c.now())
			if i >= 6 {
				one.Backend = "irc"
			}
			add(t, o, one)
			if i < 4 {
				complete(t, o, take(t, o), fmt.Errorf("550 100%% full_%d: %w", i%2, backends.ErrRefused))
			}
			c.pass(time.Hour)
		}
		for name, q := range map[string]struct {
			Query
			want string
		}{
			"all":           {Query{}, "[8 7 6 5 4 3 2 1]"},
			"dead":          {Query{State: Dead}, "[4 3 2 1]"},
			"a page":        {Query{State: Dead, Before: 4, Limit: 2}, "[3 2]"},
			"a backend":     {Query{Backend: "irc"}, "[8 7]"},
			"a destination": {Query{Destinations: []string{"1"}, State: Dead}, "[4 2]"},
			"nobody":        {Query{Destinations: []string{}}, "[]"},
			"a reason":      {Query{Reason: "100% FULL_1"}, "[4 2]"},
			"no wildcards":  {Query{Reason: "100_"}, "[]"},
			"some":          {Query{IDs: []int64{2, 5, 99}}, "[5 2]"},
			"of some time": {Query{From: newClock().now().Add(time.Hour), Until: newClock().now().Add(3 * time.Hour)},
				"[3 2]"},
			"dead at a time": {Query{State: Dead, From: newClock().now().Add(3 * time.Hour)}, "[4]"},
		} {
			found, err := o.Find(t.Context(), q.Query)
			if err != nil {
				t.Fatal(err)
			}
			ids := []int64{}
			for _, e := range found {
				ids = append(ids, e.ID)
			}
			if fmt.Sprint(ids) != q.want {
				t.Errorf("%s: %v, want %s", name, ids, q.want)
			}
		}
		causes, err := o.Causes(t.Context(), Query{State: Dead})
		if err != nil || len(causes) != 2 || causes[0] != (Cause{"mail", "550 100% full_0: refused", 2}) {
			t.Errorf("Causes = %+v, %v", causes, err)
		}
		if n, err := o.Drop(t.Context(), []int64{1, 2, 5, 99}); n != 2 || err != nil {
			t.Errorf("Drop = %d, %v, want the two that are dead", n, err)
		}
		if rows := all(t, o); len(rows) != 6 {
			t.Errorf("%d rows are left, want 6", len(rows))
		}
	})
}
