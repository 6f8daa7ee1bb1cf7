package daemon

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// A runGroup is a set of goroutines that stop together. The first one that fails ends the whole program through fail.
type runGroup struct {
	ctx  context.Context
	stop context.CancelFunc
	fail context.CancelCauseFunc
	wg   sync.WaitGroup

	mu      sync.Mutex
	running []string
}

func newRunGroup(ctx context.Context, fail context.CancelCauseFunc) *runGroup {
	s := &runGroup{fail: fail}
	s.ctx, s.stop = context.WithCancel(ctx)
	return s
}

// start runs f in a goroutine of its own until the group stops.
func (s *runGroup) start(name string, f func(context.Context) error) {
	s.mu.Lock()
	s.running = append(s.running, name)
	s.mu.Unlock()
	s.wg.Go(func() {
		if err := f(s.ctx); err != nil && s.ctx.Err() == nil {
			s.fail(fmt.Errorf("%s: %w", name, err))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		at := slices.Index(s.running, name)
		s.running = slices.Delete(s.running, at, at+1)
	})
}

// join waits until all of the group has stopped. If limit ends first, join returns the names of the goroutines that
// still run. They go on until the process ends, which is next.
func (s *runGroup) join(limit context.Context) (stuck []string) {
	joined := make(chan struct{})
	go func() {
		defer close(joined)
		s.wg.Wait()
	}()
	select {
	case <-joined:
		return nil
	case <-limit.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.running)
}
