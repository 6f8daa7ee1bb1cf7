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

// A room bounds the requests that are answered at a time, and the memory of their bodies.
type room struct {
	requests chan struct{}
	bytes    *semaphore.Weighted
}

func newRoom(requests int, bytes int64) *room {
	return &room{requests: make(chan struct{}, requests), bytes: semaphore.NewWeighted(bytes)}
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
		return func() { <-r.requests }, nil
	default:
		return nil, later(nethttp.StatusServiceUnavailable, time.Second, "too many requests at a time")
	}
}

// A body is what was read of a request, until it is released.
type body struct {
	bytes []byte
	held  int64
	room  *room
}

func (b *body) release() {
	b.room.bytes.Release(b.held)
	b.held = 0
}

// read reads a body of at most most bytes. It takes memory as bytes come, so that who says much and sends nothing holds
// nothing.
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
	b := &body{room: r}
	err := b.fill(ctx, q.Body, most)
	_ = deadline.SetReadDeadline(time.Time{})
	if err != nil {
		b.release()
		return nil, err
	}
	return b, nil
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
	size := min(max(2*int64(cap(b.bytes)), firstRead), most+1)
	if err := b.room.bytes.Acquire(ctx, size); err != nil {
		return later(nethttp.StatusServiceUnavailable, time.Second, "no memory for the body now")
	}
	larger := make([]byte, len(b.bytes), size)
	copy(larger, b.bytes)
	b.bytes = larger
	b.room.bytes.Release(b.held)
	b.held = size
	return nil
}

func tooLarge(most int64) *problem {
	return problemOf(nethttp.StatusRequestEntityTooLarge, "the body may have %d bytes", most)
}
