package loading

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/grace"
)

// A task is a block that a worker has, and the place for what it makes of it.
type task struct {
	block block
	made  chan made // has room for one
}

// leftBehind is how long flow waits for a reader at a stop. A read of a pipe or a terminal into which nobody writes
// does not end; the process does, next.
const leftBehind = time.Second

// flow reads blocks, makes messages of them on all processors, and gives them to store in the order of the reading. It
// ends with the first error of either, or with ctx.
func flow(ctx context.Context, m *maker, read func(context.Context, func(context.Context, block) error) error,
	store func(context.Context, made) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := runtime.GOMAXPROCS(0)
	todo, order := make(chan task), make(chan task, 16*workers)
	var wg sync.WaitGroup
	failed := make(chan error, 1) // of the reader: what it has handed over before is stored
	go func() {
		defer close(todo)
		defer close(order)
		failed <- read(ctx, func(ctx context.Context, b block) error {
			t := task{b, make(chan made, 1)}
			for _, c := range []chan task{order, todo} {
				select {
				case c <- t:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}()
	for range workers {
		wg.Go(func() { m.work(ctx, todo) })
	}
	err := gather(ctx, order, store)
	if err == nil {
		err = <-failed // all is read
	} else {
		cancel(err)
		_ = grace.Within(leftBehind, "end reading", func() error { return <-failed })
	}
	wg.Wait()
	return err
}

// work makes messages of blocks until there are no more, or ctx ends.
func (m *maker) work(ctx context.Context, todo <-chan task) {
	for {
		select {
		case t, more := <-todo:
			if !more {
				return
			}
			t.made <- m.make(t.block)
		case <-ctx.Done():
			return
		}
	}
}

// gather takes what is made, in order.
func gather(ctx context.Context, order <-chan task, store func(context.Context, made) error) error {
	for {
		var t task
		more := true
		select {
		case t, more = <-order:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !more {
			return nil
		}
		select {
		case one := <-t.made:
			if err := store(ctx, one); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// A batch is messages that go in together.
type batch struct {
	ready []*history.Ready
	bytes int64
}

func (b *batch) add(all []*history.Ready) {
	b.ready = append(b.ready, all...)
	for _, r := range all {
		b.bytes += r.Size()
	}
}

func (b *batch) take() []*history.Ready {
	all := b.ready
	*b = batch{}
	return all
}
