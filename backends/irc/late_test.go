package irc

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/irc/ircsink"
)

// TestLateAnswersNeedAnotherServer: one person gets many notices, one after the other. Only a server that is not alone
// is listened to after each.
func TestLateAnswersNeedAnotherServer(t *testing.T) {
	for _, row := range []struct {
		name    string
		servers int
		want    time.Duration
	}{{"alone", 1, 0}, {"two servers", 2, 20 * time.Second}, {"not said", 0, 20 * time.Second}} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, ircsink.Options{Servers: row.servers}, nil, func(t *testing.T, b *Backend, s *ircsink.Server) {
				s.Add(ircsink.User{Nick: "alice"})
				time.Sleep(time.Minute)
				begun := time.Now()
				for range 10 {
					if err := b.Send(t.Context(), told("alice", "one")); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(begun); took < row.want || took > row.want+time.Second {
					t.Errorf("ten parcels took %s, want %s", took, row.want)
				}
			})
		})
	}
}

// TestTurnsOutlastConnections: what a refusal has taught holds on the next connection to the same server.
func TestTurnsOutlastConnections(t *testing.T) {
	now := time.Unix(0, 0)
	o := newOpenings(openingLimit{}, func() time.Time { return now })
	o.set(limitOf("ngircd-26", false))
	for _, nick := range []string{"a", "b"} {
		if _, ok := o.begin(nick); !ok {
			t.Fatal("a family without a limit was slowed")
		}
	}
	o.refused("b", time.Minute)
	o.set(limitOf("ngircd-26", false))
	if wait, ok := o.begin("c"); ok || wait < 50*time.Second {
		t.Errorf("after a refusal and a reconnect: %s, %v", wait, ok)
	}
	o.set(limitOf("solanum-1.0", false))
	if _, ok := o.begin("d"); !ok {
		t.Error("a server of another kind is held to the limit of the one before")
	}
}
