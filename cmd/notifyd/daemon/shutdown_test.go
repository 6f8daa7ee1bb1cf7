package daemon

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// TestStuckPartsAreLeftBehind makes every part of the program hang: each step of the stop takes no more than its
// time.
func TestStuckPartsAreLeftBehind(t *testing.T) {
	for name, stuck := range map[string]int{"source": 0, "router": 1, "outbox": 2, "feed": 3, "pages": 4, "nothing": -1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := defaultSettings()
				plan := set.stopPlan()
				top, cancel := context.WithCancelCause(t.Context())
				never := make(chan struct{})
				in := bus.NewIntake(bus.IntakeConfig{})
				var stages [5]*runGroup
				for i := range stages {
					stages[i] = newRunGroup(top, cancel)
					stages[i].start([]string{"source", "router", "outbox", "feed", "pages"}[i], func(ctx context.Context) error {
						if i == stuck {
							<-never
						}
						<-ctx.Done()
						return nil
					})
				}
				cancel(nil)
				since := time.Now()
				left := shutdown(since, plan, in, stages)
				took := time.Since(since)
				want := []time.Duration{plan.intake, plan.joined, plan.joined, plan.fed, plan.rest, 0}[(stuck+6)%6]
				if took != want || took+plan.close > set.Stop.Within {
					t.Errorf("the stop took %s, want %s", took, want)
				}
				if stuck < 0 && len(left) != 0 || stuck >= 0 && !slices.Equal(left, []string{name}) {
					t.Errorf("left behind: %v", left)
				}
				if closed := in.Put(t.Context(), bus.Frame{}) == bus.ErrClosed; closed == (stuck == 0) {
					t.Errorf("the intake is closed: %v", closed)
				}
				close(never)
				synctest.Wait()
			})
		})
	}
}

// TestOutletsEndAfterTheirFeed: what the router has committed last still finds the outlets running.
func TestOutletsEndAfterTheirFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stages [5]*runGroup
		for i := range stages {
			stages[i] = newRunGroup(t.Context(), func(error) { t.Error("a group has failed") })
		}
		fed := false
		stages[3].start("feed", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(500 * time.Millisecond) // of its bubble: a last look at the history
			fed = true
			return nil
		})
		stages[4].start("outlet", func(ctx context.Context) error {
			<-ctx.Done()
			if !fed {
				t.Error("the outlet has ended before its feed")
			}
			return nil
		})
		set := defaultSettings()
		if left := shutdown(time.Now(), set.stopPlan(), bus.NewIntake(bus.IntakeConfig{}), stages); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}
