package outbox

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// TestOnlyAnswersEndAnOutage: what becomes of a parcel that the backend was never asked about does not make it look up.
func TestOnlyAnswersEndAnOutage(t *testing.T) {
	c := claim{rows: []row{{Address: "a"}}}
	for _, err := range []error{errors.Join(errCorrupt, errors.New("no JSON")), errInterrupted,
		fmt.Errorf("%w: oops", errPanicked), fmt.Errorf("mail: %w", context.DeadlineExceeded)} {
		for _, v := range []sendResult{deferred, expired} {
			p := newPool(New(nil, nil, false, Config{}, newClock().now, nil), "mail", &fakeBackend{answer: takes})
			p.breaker.fail(newClock().now(), func(int64) time.Duration { return time.Minute })
			p.observe(completion{claim: c, result: v, err: err})
			if _, down := p.breaker.state(); !down {
				t.Errorf("%q (%s) ended the outage", err, v)
			}
			p.observe(completion{claim: c, result: deferred, err: errors.New("451 try later")})
			if _, down := p.breaker.state(); down {
				t.Error("an answer did not end the outage")
			}
		}
	}
}

// TestCorruptNoticeIsNoProbe puts a notice that cannot be read among many while the backend is down: the outage stays
// one outage, with one send at a time and growing pauses.
func TestCorruptNoticeIsNoProbe(t *testing.T) {
	bubble(t, Config{Workers: 4}, func(t *testing.T, o *Outbox) {
		chat := &fakeBackend{answer: func(context.Context, backends.Parcel) error {
			time.Sleep(time.Second)
			return fmt.Errorf("dial: %w", backends.ErrUnavailable)
		}}
		during(t, o, map[string]backends.Backend{"mail": chat}, func() {
			for i := range 40 {
				add(t, o, delivery("m", fmt.Sprint(i), time.Now()))
			}
			time.Sleep(time.Hour)
			o.writer.Exec("UPDATE contents SET notice = '{' WHERE id % 2 = 0")
			chat.count()
			time.Sleep(time.Hour)
			synctest.Wait()
			if chat.highest() != 1 {
				t.Errorf("%d sends at the same time during the outage", chat.highest())
			}
			if counts := o.Counts()[0]; !counts.Down {
				t.Error("the backend counts as up")
			}
		})
	})
}
