package backlog

import (
	"context"
	"errors"
	"slices"

	"github.com/notifyd/notifyd/bus"
)

// ask.go puts one question to the archives, and hands over what they answer.

// An answer is what the archives have said of a hole.
type answer struct {
	complete bool  // one has given what it has
	early    bool  // one may have more later
	err      error // one could not answer
}

// ask asks the archives in order, until one has given all of the hole.
func (f *Filler) ask(ctx context.Context, h bus.Hole) (said answer) {
	if !h.Unbounded() && f.missing(h) == 0 {
		return answer{complete: true}
	}
	f.pay()
	for _, archive := range f.Archives {
		f.Holes.Filling(archive.Name())
		err := archive.Fetch(ctx, h, func(p bus.Page) error { return f.hand(ctx, h, p) })
		switch {
		case err == nil:
			said.complete = true
		case errors.Is(err, bus.ErrTooEarly):
			said.early = true
		case !errors.Is(err, bus.ErrCannotAsk) && !errors.Is(err, errSettled):
			said.err = errors.Join(said.err, err)
		}
		if err == nil && h.Unbounded() || !h.Unbounded() && f.missing(h) == 0 || errors.Is(err, errSettled) {
			break
		}
	}
	return said
}

// errSettled ends the question for a hole that is not open any more.
var errSettled = errors.New("the hole is not open any more")

// isOpen reports whether a hole is open.
func (f *Filler) isOpen(number int64) bool {
	return slices.ContainsFunc(f.Holes.Open(), func(h bus.Hole) bool { return h.Number == number })
}

// missing gives how many messages of the hole are still missing.
func (f *Filler) missing(h bus.Hole) int64 {
	for _, open := range f.Holes.Open() {
		if open.Number == h.Number {
			return open.Missing
		}
	}
	return 0
}

// hand hands a page over, and waits until all of it is stored or known to be no message.
func (f *Filler) hand(ctx context.Context, h bus.Hole, p bus.Page) error {
	done := make(chan struct{}, len(p.Frames))
	handed := 0
	for _, frame := range p.Frames {
		frame.Source, frame.Late, frame.Whole = f.Source, true, f.Wants == nil || f.Wants("")
		if frame.OutOfBounds() != "" || f.Wants != nil && !f.Wants(frame.Topic) {
			continue
		}
		frame.Ack = func() { done <- struct{}{} }
		if err := f.Put(ctx, frame); err != nil {
			return err
		}
		handed++
	}
	for range handed {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if !f.isOpen(h.Number) {
		return errSettled
	}
	if !h.Unbounded() || p.Next == 0 && p.Reached.IsZero() {
		return nil
	}
	return f.Holes.Narrow(ctx, h.Number, p.Next, p.Reached)
}
