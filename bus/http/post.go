package http

import (
	"context"
	"errors"
	"fmt"
	"mime"
	nethttp "net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// headerSender names the sender of a request that is signed.
const headerSender = "X-Notifyd-Sender"

// headerLate says that the messages of a request are no news, such as those of an archive. Old ones notify nobody.
const headerLate = "X-Notifyd-Late"

// post answers POST /api/v1/messages.
func (s *Source) post(w nethttp.ResponseWriter, r *nethttp.Request) (ids []string, err error) {
	from, b, leave, err := s.authenticate(w, r)
	if err != nil {
		return nil, err
	}
	defer leave()
	defer b.release()
	drafts, err := s.drafts(r, from, b.bytes)
	if err != nil {
		from.meter.Dropped(reasonRefused)
		return nil, err
	}
	if err := s.admit(from, len(drafts)); err != nil {
		from.meter.Dropped(reasonRate)
		return nil, err
	}
	return s.hand(r.Context(), from, drafts)
}

// The reasons of this source for which messages are dropped: the sender is told, and can do something about it.
const (
	reasonRefused = "refused"
	reasonRate    = "rate"
)

// authenticate finds out who sends, and reads the body: after a token was seen to be good, or to check its signature.
func (s *Source) authenticate(w nethttp.ResponseWriter, r *nethttp.Request) (*sender, *body, func(), error) {
	from, in := s.bearer(r), s.unproved
	if from != nil {
		in = from.room
	} else if r.Header.Get(standardSignature) == "" {
		return nil, nil, nil, unauthorized()
	}
	leave, err := in.enter()
	if err != nil {
		return nil, nil, nil, err
	}
	b, err := in.read(r.Context(), w, r, s.config.MaxBody, s.config.ReadTimeout)
	if err != nil {
		leave()
		return nil, nil, nil, err
	}
	if from == nil {
		from = s.signed(r, b.bytes)
		leave()
		if err = unauthorized(); from != nil {
			leave, err = b.prove(r.Context(), from.room, s.config.ReadTimeout)
		}
		if err != nil {
			b.release()
			return nil, nil, nil, err
		}
	}
	return from, b, leave, nil
}

// bearer gives the sender that has the token of a request; nil for none. It asks every sender, whatever the token.
func (s *Source) bearer(r *nethttp.Request) (found *sender) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	for _, one := range s.parties.Load().senders {
		if one.has(strings.TrimSpace(token)) {
			found = one
		}
	}
	return found
}

// signed gives the sender that a request names and whose signature it has; nil for none.
func (s *Source) signed(r *nethttp.Request, body []byte) *sender {
	h := r.Header
	from := s.parties.Load().senders[h.Get(headerSender)]
	var keys [][]byte
	if from != nil {
		keys = from.keys
	}
	if !signedStandard(keys, h.Get(standardID), h.Get(standardTime), h.Get(standardSignature), body, s.now()) {
		return nil
	}
	return from
}

// drafts reads the messages of a body, and checks that from may send them.
func (s *Source) drafts(r *nethttp.Request, from *sender, body []byte) ([]draft, error) {
	late, _ := strconv.ParseBool(r.Header.Get(headerLate)) // what says neither yes nor no is news
	f := filling{name: from.name, key: r.Header.Get("Idempotency-Key"), now: s.now(), id: s.newID, late: late}
	if f.key == "" || s.bearer(r) == nil { // of a request that is signed nothing else may say what the ids are
		f.key = r.Header.Get(standardID)
	}
	if len(f.key) > bus.MaxID-8 || strings.ContainsFunc(f.key, func(r rune) bool { return r < 0x20 || r >= 0x7f }) {
		return nil, problemOf(nethttp.StatusBadRequest, "Idempotency-Key: at most %d characters of ASCII", bus.MaxID-8)
	}
	var drafts []draft
	var err error
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		drafts, err = readObject(body, f)
	case "application/jsonl", "application/x-ndjson", "application/x-jsonlines", "application/json-lines":
		drafts, err = readLines(body, s.config.MaxLines, f)
	default:
		return nil, problemOf(nethttp.StatusUnsupportedMediaType,
			"Content-Type: application/json was expected, or application/x-ndjson for a message a line")
	}
	if err != nil {
		return nil, err
	}
	for i, d := range drafts {
		if !from.may(d.topic) {
			p := problemOf(nethttp.StatusForbidden, "message %d: %s may not send under the topic %q", i+1, from.name, d.topic)
			p.Errors = []fault{{d.line, fmt.Sprintf("%s may not send under the topic %q", from.name, d.topic)}}
			return nil, p
		}
	}
	return drafts, nil
}

// admit takes n messages off a sender's rate.
func (s *Source) admit(from *sender, n int) error {
	if n > from.limit.Burst() {
		return problemOf(nethttp.StatusRequestEntityTooLarge, "%d messages; %s may send %d at once", n, from.name,
			from.limit.Burst())
	}
	now := s.now()
	r := from.limit.ReserveN(now, n)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return later(nethttp.StatusTooManyRequests, wait, "too many messages a second")
	}
	return nil
}

// hand hands messages over, and waits until the router is done with all of them.
func (s *Source) hand(ctx context.Context, from *sender, drafts []draft) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommitTimeout)
	defer cancel()
	ids := make([]string, len(drafts))
	for i, d := range drafts {
		ids[i] = d.id
	}
	var open atomic.Int64
	open.Store(int64(len(drafts)))
	done := make(chan struct{})
	ack := func() {
		if open.Add(-1) == 0 {
			close(done)
		}
	}
	for _, d := range drafts {
		err := ctx.Err()
		if err == nil {
			err = from.meter.Forward(ctx, s.in,
				bus.Frame{Topic: d.topic, Payload: d.payload, Publisher: from.name, Late: d.late, Ack: ack})
		}
		if err != nil {
			return nil, notYet(ids)
		}
	}
	select {
	case <-done:
		return ids, nil
	case <-ctx.Done():
		return nil, notYet(ids)
	}
}

// notYet says that messages may or may not be stored: sent again with these ids they count once.
func notYet(ids []string) *problem {
	p := later(nethttp.StatusServiceUnavailable, 5*time.Second, "not stored yet: send again, with the same ids")
	p.IDs = ids
	return p
}

// refusal gives the problem of an error.
func refusal(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return problemOf(nethttp.StatusInternalServerError, "")
}
