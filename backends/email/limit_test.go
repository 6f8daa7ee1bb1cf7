package email

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

// serve plays so many windows of a server that answers after takes(connections at once).
func (l *limit) serve(now *time.Time, windows int, takes func(n int) time.Duration) {
	for range windows * 2 * max(l.value, windowLeast) {
		d := takes(l.value)
		*now = now.Add(d / time.Duration(l.value))
		l.took(d, true, *now)
	}
}

func TestLimitFindsWhatTheServerTakes(t *testing.T) {
	far := func(n int) time.Duration { return 20 * time.Millisecond }
	// five at a time take 10 ms each; more of them queue up
	five := func(n int) time.Duration { return 10 * time.Millisecond * time.Duration(max(n, 5)) / 5 }
	for name, c := range map[string]struct {
		takes       func(n int) time.Duration
		least, most int
	}{"far away": {far, 16, 16}, "takes five": {five, 7, 12}} {
		now, l := time.Unix(0, 0), newLimit(16)
		l.serve(&now, 40, c.takes)
		if l.value < c.least || l.value > c.most {
			t.Errorf("%s: %d connections, want %d to %d", name, l.value, c.least, c.most)
		}
	}
	now, l := time.Unix(0, 0), newLimit(16)
	for range 1000 {
		l.took(time.Millisecond, false, now)
	}
	if l.value != 2 {
		t.Errorf("nobody waits, and there are %d connections", l.value)
	}
}

func TestLimitRemembersWhatWasRefused(t *testing.T) {
	quick := func(int) time.Duration { return time.Millisecond }
	now, l := time.Unix(0, 0), newLimit(16)
	l.serve(&now, 10, quick)
	l.full(3, now)
	l.full(3, now) // of two that were dialled at the same time
	if l.serve(&now, 20, quick); l.value != 3 {
		t.Errorf("%d connections right after the fourth was refused", l.value)
	}
	now = now.Add(pauseFirst)
	if l.serve(&now, 1, quick); l.value <= 3 {
		t.Error("the fourth is never tried again")
	}
	for range 10 {
		l.full(3, now)
		now = l.until
	}
	if l.pause != pauseMost {
		t.Errorf("after ten refusals it is tried again after %v", l.pause)
	}
	l.value = 8
	l.cut(now)
	l.cut(now)
	if l.value != 4 {
		t.Errorf("what is too much at 8 connections leaves %d", l.value)
	}
}

// TestServerTakesTwoConnections: a server with a bound on them gets every mail, and none of them fails.
func TestServerTakesTwoConnections(t *testing.T) {
	f := newFarEnd(t, fakesmtp.Options{})
	var mu sync.Mutex
	taken := 0
	f.play(func(at fakesmtp.Stage, _ string) fakesmtp.Reply {
		mu.Lock()
		defer mu.Unlock()
		if at == fakesmtp.OnConnect {
			taken++
		}
		if at == fakesmtp.OnConnect && taken > 2 {
			return fakesmtp.Reply{Code: 421, Enhanced: [3]int{4, 7, 0}, Text: "too many connections"}
		}
		return fakesmtp.Reply{}
	})
	c := f.config()
	c.PerConnection = 1000
	b := newBackend(t, c)
	b.pool.limit.value = 8
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			if err := b.Send(t.Context(), sample(fmt.Sprint(i))); err != nil {
				t.Errorf("mail %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if n := len(f.messages()); n != 200 {
		t.Errorf("%d of 200 mails", n)
	}
	if b.pool.limit.ceiling == 0 || b.pool.inUse != 0 || b.pool.open > 2 {
		t.Errorf("bound %d, %d in use, %d open", b.pool.limit.ceiling, b.pool.inUse, b.pool.open)
	}
}
