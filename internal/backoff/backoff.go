// Package backoff says how long to wait before something that failed is tried again: exponential backoff with jitter.
//
// The delay doubles with each failure in a row, up to a bound, so that what is down is not asked all the time. It is
// spread over its second half, so that what failed together does not come back together ("equal jitter" in Marc
// Brooker's Exponential Backoff And Jitter, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/):
//
//	for failed := int64(1); ; failed++ {
//		err := connect(ctx)
//		...
//		if !backoff.Sleep(ctx, backoff.Delay(time.Second, time.Minute, failed, rand.Float64)) {
//			return nil
//		}
//	}
package backoff

import (
	"context"
	"time"
)

// Delay is the wait after so many failures in a row: first after one, then doubled each time, at most limit; and of
// that at least a half, as random says. random gives numbers in [0, 1).
func Delay(first, limit time.Duration, failed int64, random func() float64) time.Duration {
	d := min(first, limit)
	for ; failed > 1 && d < limit; failed-- {
		if d > limit/2 {
			d = limit
			break
		}
		d *= 2
	}
	return d/2 + time.Duration(random()*float64(d-d/2))
}

// Sleep waits for d; false where ctx ends first.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
