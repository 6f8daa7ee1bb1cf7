package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// A posting publishes by HTTP. While one request is on its way messages gather for the next ("group commit"), so that
// one that is alone goes at once, and many go together.
type posting struct {
	poster *Poster
	own    bool // nobody else has the poster
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	queue   [][]byte
	size    int // bytes of the queue
	busy    bool
	failed  error         // what nobody was told yet
	changed chan struct{} // closed and renewed with every change

	begun, stored int // messages; belong to run
}

func newPosting(p *Poster, own bool) *posting {
	ctx, cancel := context.WithCancel(context.Background())
	o := &posting{poster: p, own: own, cancel: cancel, ended: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(o.ended)
		o.run(ctx)
	}()
	return o
}

func (o *posting) addr() string { return o.poster.url }

// ready knows no wait: a Poster waits for its server.
func (o *posting) ready(context.Context, string) error { return nil }

// maxGathered bounds the bytes that gather.
const maxGathered = 2 * maxBatchBytes

// send queues a message when there is room.
func (o *posting) send(ctx context.Context, _ string, payload []byte) (int, error) {
	err := o.until(ctx, func() bool { return len(o.queue) < maxBatch && o.size < maxGathered })
	if err != nil {
		return 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue, o.size = append(o.queue, payload), o.size+len(payload)
	o.notifyLocked()
	return 1, nil
}

// flush waits until all is stored.
func (o *posting) flush(ctx context.Context) error {
	return o.until(ctx, func() bool { return len(o.queue) == 0 && !o.busy })
}

// until waits for a condition. What has failed is told once.
func (o *posting) until(ctx context.Context, holds func() bool) error {
	for {
		o.mu.Lock()
		changed, failed, done := o.changed, o.failed, holds()
		if o.failed = nil; failed != nil {
			o.mu.Unlock()
			return failed
		}
		o.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-o.ended:
			return errClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o *posting) notifyLocked() {
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *posting) stop() error {
	o.cancel()
	<-o.ended
	if o.own {
		o.poster.Close()
	}
	return nil
}

// run posts what has gathered until ctx ends.
func (o *posting) run(ctx context.Context) {
	for {
		o.mu.Lock()
		batch, changed := o.queue, o.changed
		o.queue, o.size, o.busy = nil, 0, len(batch) > 0
		if o.busy {
			o.notifyLocked()
		}
		o.mu.Unlock()
		if len(batch) == 0 {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return
			}
		}
		o.post(ctx, batch)
		o.mu.Lock()
		o.busy = false
		o.notifyLocked()
		o.mu.Unlock()
		if ctx.Err() != nil {
			return
		}
	}
}

// post posts messages. Those that the server refuses are left out, so that they take no others with them.
func (o *posting) post(ctx context.Context, batch [][]byte) {
	numbers := make([]int, len(batch)) // since the start, of what is left of batch
	for i := range numbers {
		o.begun++
		numbers[i] = o.begun
	}
	for len(batch) > 0 {
		ids, err := o.poster.PostJSON(ctx, batch...)
		o.stored += len(ids)
		if err == nil {
			return
		}
		var refused *Refusal
		if !errors.As(err, &refused) || len(refused.Faults) == 0 {
			o.fail(err)
			return
		}
		wrong := map[int]bool{}
		for i, f := range refused.Faults {
			if f.Message <= len(batch) {
				wrong[f.Message-1] = true
				refused.Faults[i].Message = numbers[f.Message-1]
			}
		}
		o.fail(err)
		if len(wrong) == 0 {
			return
		}
		batch, numbers = without(batch, numbers, len(ids), wrong)
	}
}

// without gives what is left of a batch: the first are stored, and some are wrong.
func without(batch [][]byte, numbers []int, stored int, wrong map[int]bool) (left [][]byte, of []int) {
	for i := stored; i < len(batch); i++ {
		if !wrong[i] {
			left, of = append(left, batch[i]), append(of, numbers[i])
		}
	}
	return left, of
}

// fail keeps the first failure until somebody is told.
func (o *posting) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = fmt.Errorf("%w (stored before: %d)", err, o.stored)
	}
}
