package grace_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/internal/grace"
)

type key struct{}

// TestExtend ends a context and looks when the extended one ends.
func TestExtend(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
			extended, release := grace.Extend(ctx, limit)
			defer release()
			if extended.Value(key{}) != "value" {
				t.Error("the values are lost")
			}
			time.Sleep(time.Minute) // the limit counts from the end of ctx
			synctest.Wait()
			if extended.Err() != nil {
				t.Fatalf("ended before ctx: %v", extended.Err())
			}
			end()
			since := time.Now()
			<-extended.Done()
			if took := time.Since(since); took != limit {
				t.Errorf("ended %s after ctx, want %s", took, limit)
			}
		})
	}
}

// TestRelease ends the extended context before its time, and leaves no goroutine: synctest would not return.
func TestRelease(t *testing.T) {
	for _, ended := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			defer end()
			extended, release := grace.Extend(ctx, time.Hour)
			if ended {
				end()
				synctest.Wait()
			}
			since := time.Now()
			release()
			release()
			<-extended.Done()
			if time.Since(since) != 0 {
				t.Error("release waits")
			}
		})
	}
}

func TestExtendEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		end()
		extended, release := grace.Extend(ctx, time.Second)
		defer release()
		since := time.Now()
		<-extended.Done()
		if took := time.Since(since); took != time.Second {
			t.Errorf("ended after %s, want the limit", took)
		}
	})
}

func TestWithin(t *testing.T) {
	failed := errors.New("failed")
	synctest.Test(t, func(t *testing.T) {
		since := time.Now()
		if err := grace.Within(time.Second, "close", func() error { return failed }); !errors.Is(err, failed) {
			t.Errorf("Within = %v, want the error of the call", err)
		}
		late := func() error { time.Sleep(999 * time.Millisecond); return nil }
		if err := grace.Within(time.Second, "close", late); err != nil {
			t.Errorf("Within = %v for a call that takes less", err)
		}
		if took := time.Since(since); took != 999*time.Millisecond {
			t.Errorf("took %s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		since, end := time.Now(), make(chan struct{})
		err := grace.Within(time.Second, "close database", func() error { <-end; return nil })
		if err == nil || err.Error() != "close database: not within 1s" {
			t.Errorf("Within = %v", err)
		}
		if took := time.Since(since); took != time.Second {
			t.Errorf("took %s, want the limit", took)
		}
		close(end)
	})
}
