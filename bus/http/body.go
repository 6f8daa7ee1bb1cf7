package http

import (
	"context"
	"errors"
	"io"
	nethttp "net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
)

// A room bounds the requests that are answered at a time, and the memory of their bodies. One in another has a part of
// that one's.
type room struct {
	requests chan struct{}
	bytes    *semaphore.Weighted
	outer    *room // nil: there is none
}

func newRoom(requests int, bytes int64, outer *room) *room {
	return &room{requests: make(chan struct{}, requests), bytes: semaphore.NewWeighted(bytes), outer: outer}
}

const (
	// provedBytes and unprovedBytes are the memory of the bodies of those who have proved who they are, and of others.
	provedBytes   = 128 << 20
	unprovedBytes = 48 << 20
	firstRead     = 32 << 10
)

// enter takes a place, if there is one.
func (r *room) enter() (leave func(), err error) {
	select {
	case r.requests <- struct{}{}:
	default:
		return nil, later(nethttp.StatusServiceUnavailable, time.Second, "too many requests at a time")
	}
	own := func() { <-r.requests }
	if r.outer == nil {
		return own, nil
	}
	outer, err := r.outer.enter()
	if err != nil {
		own()
		return nil, err
	}
	return func() { outer(); own() }, nil
}

// acquire waits for memory.
func (r *room) acquire(ctx context.Context, size int64) error {
	if err := r.bytes.Acquire(ctx, size); err != nil || r.outer == nil {
		return err
	}
	err := r.outer.acquire(ctx, size)
	if err != nil {
		r.bytes.Release(size)
	}
	return err
}

func (r *room) release(size int64) {
	r.bytes.Release(size)
	if r.outer != nil {
		r.outer.release(size)
	}
}

// A body is what was read of a request, until it is released.
type body struct {
	bytes []byte
	held  int64
	first int64 // of its memory that is taken at once
	room  *room
}

func (b *body) release() {
	b.room.release(b.held)
	b.held = 0
}

// read reads a body of at most most bytes. In the room of a sender it takes the memory at once, so that large bodies do
// not wait for each other; of who is not known it takes memory as bytes come, so that who says much and sends nothing
// holds nothing.
func (r *room) read(ctx context.Context, w nethttp.ResponseWriter, q *nethttp.Request, most int64,
	limit time.Duration) (*body, error) {
	if e := q.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, problemOf(nethttp.StatusUnsupportedMediaType, "Content-Encoding: the body as it is was expected")
	}
	if q.ContentLength > most {
		return nil, tooLarge(most)
	}
	deadline := nethttp.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(limit)) // a writer of a test has none
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b := &body{room: r, first: firstRead}
	if r.outer != nil && q.ContentLength >= 0 {
		b.first = q.ContentLength + 1
	}
	err := b.fill(ctx, q.Body, most)
	_ = deadline.SetReadDeadline(time.Time{})
	if err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

// prove moves a body to the room of its sender, once that is known. leave leaves the place that the request has there.
func (b *body) prove(ctx context.Context, to *room, limit time.Duration) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	leave, err = to.enter()
	if err != nil {
		return nil, err
	}
	if to.acquire(ctx, b.held) != nil {
		leave()
		return nil, noMemory()
	}
	b.room.release(b.held)
	b.room = to
	return leave, nil
}

func noMemory() *problem {
	return later(nethttp.StatusServiceUnavailable, time.Second, "no memory for the body now")
}

func (b *body) fill(ctx context.Context, from io.Reader, most int64) error {
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(ctx, most); err != nil {
				return err
			}
		}
		n, err := from.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case int64(len(b.bytes)) > most:
			return tooLarge(most)
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return problemOf(nethttp.StatusRequestTimeout, "the body came too slowly")
		case err != nil:
			return problemOf(nethttp.StatusBadRequest, "the body ended early")
		}
	}
}

// grow doubles the memory of b.
func (b *body) grow(ctx context.Context, most int64) error {
	size := min(max(2*int64(cap(b.bytes)), b.first), most+1)
	if err := b.room.acquire(ctx, size); err != nil {
		return noMemory()
	}
	larger := make([]byte, len(b.bytes), size)
	copy(larger, b.bytes)
	b.bytes = larger
	b.room.release(b.held)
	b.held = size
	return nil
}

func tooLarge(most int64) *problem {
	return problemOf(nethttp.StatusRequestEntityTooLarge, "the body may have %d bytes", most)
}
