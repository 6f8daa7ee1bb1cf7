package desktop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// The pace and the bounds of streams.
const (
	heartbeat    = 20 * time.Second // a comment, so that a dead connection is noticed by both ends
	pollEvery    = 5 * time.Second  // for what another node added, and whether the token is still good
	writeTimeout = 15 * time.Second // of each write
	batch        = 100              // events between two looks at the connection
	perAddress   = 5                // streams of one feed at the same time
	total        = 2000             // streams of this process
)

// A stream is the handler of GET /api/v1/notices.
type stream struct {
	feed      *Feed
	authorize func(*http.Request) (string, error)
	places    places
}

// Stream serves a feed as server-sent events (WHATWG HTML Living Standard, 9.2), as backends.Fetched says. authorize is
// called again every few seconds; while it fails a new reader is told to come back.
func (f *Feed) Stream(authorize func(*http.Request) (address string, err error)) http.Handler {
	return &stream{feed: f, authorize: authorize, places: newPlaces(total)}
}

// ServeHTTP answers one reader.
func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "only GET is answered here")
		return
	}
	address, err := s.authorize(r)
	if err != nil {
		w.Header().Set("Retry-After", "30")
		refuse(w, http.StatusServiceUnavailable, "the token cannot be checked now; try again later")
		return
	}
	if address == "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="notifyd"`)
		refuse(w, http.StatusUnauthorized, "a valid token is needed: Authorization: Bearer TOKEN")
		return
	}
	place := s.places.take(address)
	if place == nil {
		w.Header().Set("Retry-After", "30")
		refuse(w, http.StatusTooManyRequests, "too many streams are open for this destination")
		return
	}
	defer s.places.give(place)
	poke, stop := s.feed.Watch(address)
	defer stop()
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // the server's deadline is for requests, and this one never ends
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	out := &writer{w: w, rc: rc}
	if out.print("retry: 5000\n: notifyd\n\n") != nil {
		return
	}
	s.follow(r, out, place, poke)
}

// follow writes events until the reader goes, is no longer allowed to read or loses its place, or the feed ends.
func (s *stream) follow(r *http.Request, out *writer, at *place, poke <-chan struct{}) {
	ctx, last, address := r.Context(), r.Header.Get("Last-Event-ID"), at.address
	beat, poll := time.NewTicker(heartbeat), time.NewTicker(pollEvery)
	defer beat.Stop()
	defer poll.Stop()
	for {
		next, err := s.copy(ctx, out, address, last)
		if err != nil {
			return
		}
		last = next
		select {
		case <-ctx.Done():
			return
		case <-at.lost:
			return
		case _, open := <-poke:
			if !open {
				return
			}
		case <-poll.C:
			if still, err := s.authorize(r); err != nil || still != address {
				return
			}
		case <-beat.C:
			if out.print(":\n\n") != nil {
				return
			}
		}
	}
}

// copy writes everything after last, and gives the id of the last event written.
func (s *stream) copy(ctx context.Context, out *writer, address, last string) (string, error) {
	for {
		events, err := s.feed.After(ctx, address, last, batch)
		if err != nil || len(events) == 0 {
			return last, err
		}
		for _, e := range events {
			if err := out.event(e); err != nil {
				return last, err
			}
			last = e.ID
		}
		if err := out.flush(); err != nil {
			return last, err
		}
		if len(events) < batch {
			return last, nil
		}
	}
}

// A writer gives every write a deadline of its own.
type writer struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (o *writer) deadline() error {
	err := o.rc.SetWriteDeadline(time.Now().Add(writeTimeout)) // the kernel's clock, not ours
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

func (o *writer) event(e Event) error {
	if err := o.deadline(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.w, "id: %s\nevent: %s\ndata: %s\n\n", e.ID, e.Type, e.Data)
	return err
}

func (o *writer) print(text string) error {
	if err := o.deadline(); err != nil {
		return err
	}
	if _, err := fmt.Fprint(o.w, text); err != nil {
		return err
	}
	return o.flush()
}

func (o *writer) flush() error {
	if err := o.deadline(); err != nil {
		return err
	}
	return o.rc.Flush()
}

// refuse answers with an error in JSON.
func refuse(w http.ResponseWriter, status int, text string) {
	body, _ := json.Marshal(map[string]string{"error": text}) // strings always encode
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the reader has gone, or not
}
