package bus

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// frameOverhead is what a frame costs beside its bytes.
const frameOverhead = 512

// Permits bound the bytes of the frames that are handed over and not done with, to MaxHeld: a counting semaphore, with
// a permit a byte. It is safe for concurrent use.
type Permits struct{ bytes *semaphore.Weighted }

// NewPermits gives all permits free.
func NewPermits() *Permits { return &Permits{semaphore.NewWeighted(MaxHeld)} }

// Acquire waits for the permits of f, which must be within the bounds; f.Done then releases them. The error is ctx's.
func (p *Permits) Acquire(ctx context.Context, f *Frame) error {
	if err := p.bytes.Acquire(ctx, f.cost()); err != nil {
		return err
	}
	p.releaseWhenDone(f)
	return nil
}

// TryAcquire is Acquire where there is no time to wait: false says that there are not enough permits.
func (p *Permits) TryAcquire(f *Frame) bool {
	if !p.bytes.TryAcquire(f.cost()) {
		return false
	}
	p.releaseWhenDone(f)
	return true
}

// releaseWhenDone makes f's Ack release its permits first, both once even where Done is called twice.
func (p *Permits) releaseWhenDone(f *Frame) {
	done := *f
	f.Ack = sync.OnceFunc(func() {
		p.release(&done)
		done.Done()
	})
}

// release is for a frame that is not handed over after all.
func (p *Permits) release(f *Frame) { p.bytes.Release(f.cost()) }

func (f *Frame) cost() int64 { return int64(len(f.Topic) + len(f.Payload) + frameOverhead) }
