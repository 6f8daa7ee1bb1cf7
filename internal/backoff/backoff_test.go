package backoff_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
)

func TestDelay(t *testing.T) {
	for _, c := range []struct {
		first, limit time.Duration
		failed       int64
		least, most  time.Duration
	}{
		{time.Second, time.Minute, 0, time.Second / 2, time.Second},
		{time.Second, time.Minute, 1, time.Second / 2, time.Second},
		{time.Second, time.Minute, 2, time.Second, 2 * time.Second},
		{time.Second, time.Minute, 6, 16 * time.Second, 32 * time.Second},
		{time.Second, time.Minute, 7, 30 * time.Second, time.Minute},
		{time.Second, time.Minute, math.MaxInt64, 30 * time.Second, time.Minute},
		{time.Second, math.MaxInt64, math.MaxInt64, math.MaxInt64 / 2, math.MaxInt64},
		{time.Hour, time.Minute, 3, 30 * time.Second, time.Minute},
		{0, 0, 5, 0, 0},
	} {
		low := backoff.Delay(c.first, c.limit, c.failed, func() float64 { return 0 })
		high := backoff.Delay(c.first, c.limit, c.failed, func() float64 { return math.Nextafter(1, 0) })
		if low != c.least || high > c.most || high < c.most-c.most/1000 {
			t.Errorf("Delay(%v, %v, %d) = %v to %v, want %v to %v", c.first, c.limit, c.failed, low, high, c.least, c.most)
		}
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if !backoff.Sleep(t.Context(), time.Hour) || time.Since(began) != time.Hour {
			t.Errorf("Sleep took %v", time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began = time.Now()
		if backoff.Sleep(ctx, time.Hour) || time.Since(began) != time.Minute {
			t.Errorf("Sleep went on for %v after its context", time.Since(began))
		}
	})
}
