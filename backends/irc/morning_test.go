package irc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/irc/ircsink"
)

// A queue hands parcels over as the outbox does: the earliest that is due first, so many at a time, and again later
// where it has to wait.
type queue struct {
	t       *testing.T
	b       *Backend
	workers chan struct{}
	all     sync.WaitGroup

	mu    sync.Mutex
	sends int
}

func newQueue(t *testing.T, b *Backend) *queue {
	return &queue{t: t, b: b, workers: make(chan struct{}, b.Sends())}
}

func (q *queue) owe(ctx context.Context, p backends.Parcel) {
	q.all.Go(func() {
		for ctx.Err() == nil {
			q.workers <- struct{}{}
			err := q.b.Send(ctx, p)
			<-q.workers
			q.mu.Lock()
			q.sends++
			q.mu.Unlock()
			var wait *backends.Wait
			switch {
			case err == nil:
				return
			case errors.As(err, &wait):
				time.Sleep(wait.For)
			default:
				if ctx.Err() == nil {
					q.t.Errorf("Send = %v", err)
				}
				return
			}
		}
	})
}

// TestMorningDigests: two hundred people get a digest at seven, on servers that let a client begin few conversations.
// None is refused, and the worst news goes first.
func TestMorningDigests(t *testing.T) {
	const people = 200
	severities := []string{"critical", "error", "warning", "info", "debug"}
	for _, server := range []struct {
		version string
		targets ircsink.Targets
		within  time.Duration
	}{
		{"solanum-1.0-dev", ircsink.Targets{Free: 10, Every: time.Minute, Numeric: "707"}, 4 * time.Hour},
		{"UnrealIRCd-6.1.8.1", ircsink.Targets{Free: 4, Every: 15 * time.Second, Numeric: "439"}, 70 * time.Minute},
		{"InspIRCd-4", ircsink.Targets{}, 20 * time.Minute},
	} {
		t.Run(server.version, func(t *testing.T) {
			slow := func(n *Network) { n.Burst, n.PerSecond = 0, 0 } // the defaults
			o := ircsink.Options{Version: server.version, Targets: server.targets}
			inBubble(t, o, slow, func(t *testing.T, b *Backend, s *ircsink.Server) {
				time.Sleep(time.Hour)
				q, worst, begun := newQueue(t, b), map[string]int{}, time.Now()
				for i := range people {
					nick := fmt.Sprintf("nick%03d", (i*73)%people)
					s.Add(ircsink.User{Nick: nick})
					worst[nick] = 1 + (i*31)%4 // none is critical: that does not wait for others
					p := backends.Parcel{ID: nick, To: nick + "@sink"}
					for j := range 3 {
						n := told("", fmt.Sprint(i, "-", j)).Notices[0]
						n.Severity = severities[min(worst[nick]+j, 4)]
						p.Notices = append(p.Notices, n)
					}
					q.owe(t.Context(), p)
				}
				q.all.Wait()
				took := time.Since(begun)
				last, got := 0, map[string]bool{}
				for _, m := range s.Messages() {
					if !got[m.To] && worst[m.To] < last {
						t.Errorf("%s is told of something %s after others of what is less", m.To, severities[worst[m.To]])
					}
					last = max(last, worst[m.To])
					got[m.To] = true
				}
				if len(got) != people || s.Refusals() > 0 || took > server.within {
					t.Errorf("%d of %d people have it, %d lines were refused, in %v", len(got), people, s.Refusals(), took)
				}
				t.Logf("in %v, by %d sends", took, q.sends)
			})
		})
	}
}
