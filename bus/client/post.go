package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/webhook"
)

// A PosterConfig says where a Poster sends to, and what it proves its name by: a Token, or Sender and HMACKey. The zero
// value of another field means its default.
type PosterConfig struct {
	// URL is the server, such as https://bus.example.org; without a path, /api/v1/messages is added.
	URL string
	// Token is a bearer token; of several lines the first, as for HMACKey. Over http:// it goes to this machine only: in
	// the clear it would be everybody's.
	Token string
	// Sender is the sender's name at the server, and HMACKey the secret of its signatures.
	Sender, HMACKey string
	// Patience is how long a request is tried again while the server takes nothing. Default 1m; negative: until the
	// context ends.
	Patience time.Duration
	// Timeout bounds one try. Default 1m, more than the server needs.
	Timeout time.Duration
	// Late says that the messages are no news, as those of an archive: old ones, and those without a time, notify nobody.
	Late bool
	// TLS may name other CAs than the system's.
	TLS *tls.Config
}

// A Poster sends messages to a notifyd that takes them by HTTP (bus.http of its configuration). They are stored when it
// says so. It may be used by many goroutines.
//
// What fails for a while is tried again: no connection, no answer, 429 and 503, after as long as the server asks for.
// That makes no message two, since each has its id before the first try. A redirect is an error: it could take the
// token elsewhere.
type Poster struct {
	config PosterConfig
	url    string
	client *http.Client
	most   atomic.Int64 // messages of a request: half where the server refuses them, one more where it takes so many
	now    func() time.Time
	sleep  func(context.Context, time.Duration) bool
}

// The bounds on one request: a message that is larger goes alone.
const (
	maxBatch      = 500
	maxBatchBytes = 1 << 20
)

// NewPoster checks c and makes a Poster. It connects to nothing.
func NewPoster(c PosterConfig) (*Poster, error) {
	c.Token, c.HMACKey = firstLine(c.Token), firstLine(c.HMACKey)
	url, err := postURL(c)
	if err != nil {
		return nil, err
	}
	if c.Patience == 0 {
		c.Patience = time.Minute
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	switch byKey := c.HMACKey != "" || c.Sender != ""; {
	case c.Token != "" && byKey:
		return nil, errors.New("a token and an HMAC key: one of them was expected")
	case byKey && (c.Sender == "" || c.HMACKey == ""):
		return nil, errors.New("an HMAC key and the name of the sender: both were expected")
	case !byKey && c.Token == "":
		return nil, errors.New("a token or an HMAC key was expected")
	case !headerSafe(c.Token) || !headerSafe(c.Sender):
		return nil, errors.New("a token and a name of a sender have printable characters of ASCII only")
	}
	p := &Poster{config: c, url: url, client: newHTTPClient(c.TLS), now: time.Now, sleep: backoff.Sleep}
	p.most.Store(maxBatch)
	return p, nil
}

// Post sends messages, in their order, and gives their ids. A message needs a topic; without an ID or a Time it gets a
// new one and now. What Encode does not write is not sent.
//
// After an error the ids are those of the messages that are stored all the same: the first ones. A *Refusal is the
// server's answer; it names the messages that are wrong.
func (p *Poster) Post(ctx context.Context, messages ...*bus.Message) ([]string, error) {
	objects := make([][]byte, len(messages))
	for i, m := range messages {
		sent := *m
		if sent.Time.IsZero() {
			sent.Time = p.now()
		}
		var err error
		if sent.ID == "" {
			sent.ID, err = bus.NewID(sent.Time, rand.Reader)
		}
		if err == nil {
			objects[i], err = bus.Encode(&sent)
		}
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return p.PostJSON(ctx, objects...)
}

// PostJSON is Post for messages that are JSON objects already, as fedmsg or fedora-messaging has them. One without an
// id gets one, unless it is signed.
func (p *Poster) PostJSON(ctx context.Context, objects ...[]byte) (ids []string, err error) {
	lines := make([][]byte, len(objects))
	for i, object := range objects {
		if lines[i], err = withID(object, p.now()); err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	for len(lines) > 0 {
		n := p.fit(lines)
		taken, err := p.deliver(ctx, lines[:n])
		var refused *Refusal
		if errors.As(err, &refused) && refused.tooMany() && n > 1 && ctx.Err() == nil {
			p.most.Store(int64(n / 2)) // none was taken
			continue
		}
		if err != nil {
			if refused != nil {
				refused.count(len(ids))
			}
			return ids, fmt.Errorf("post to %s: %w", p.url, err)
		}
		p.most.CompareAndSwap(int64(n), min(int64(n)+1, maxBatch))
		ids, lines = append(ids, taken...), lines[n:]
	}
	return ids, nil
}

// Close closes the connections that are idle.
func (p *Poster) Close() { p.client.CloseIdleConnections() }

// fit is how many of some messages go into one request.
func (p *Poster) fit(lines [][]byte) int {
	n, size := 0, 0
	for n < min(len(lines), int(p.most.Load())) {
		if size += len(lines[n]) + 1; size > maxBatchBytes && n > 0 {
			break
		}
		n++
	}
	return n
}

// deliver sends one request until it is answered for good.
func (p *Poster) deliver(ctx context.Context, lines [][]byte) ([]string, error) {
	q, err := p.newRequest(lines)
	if err != nil {
		return nil, err
	}
	began := p.now()
	for failed := int64(1); ; failed++ {
		ids, err := p.try(ctx, q)
		if err == nil || ctx.Err() != nil || !again(err) {
			return ids, err
		}
		pause := max(backoff.Delay(500*time.Millisecond, 10*time.Second, failed, random), retryAfter(err))
		if passed := p.now().Sub(began); !p.worthIt(ctx, passed, pause) || !p.sleep(ctx, pause) {
			return nil, fmt.Errorf("gave up after %s: %w", p.now().Sub(began).Round(time.Millisecond), err)
		}
	}
}

// worthIt reports whether there is time for another try after a pause.
func (p *Poster) worthIt(ctx context.Context, passed, pause time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && p.now().Add(pause).After(end) {
		return false
	}
	return p.config.Patience < 0 || passed+pause <= p.config.Patience
}

// A request is what is sent, however often.
type request struct {
	body  []byte
	kind  string // Content-Type
	id    string // of the request, where it is signed
	count int
}

func (p *Poster) newRequest(lines [][]byte) (*request, error) {
	q := &request{kind: "application/json", count: len(lines), body: lines[0]}
	if len(lines) > 1 {
		q.kind, q.body = "application/x-ndjson", joinLines(lines)
	}
	var err error
	if p.config.HMACKey != "" {
		q.id, err = bus.NewID(p.now(), rand.Reader)
	}
	return q, err
}

// authorize proves who sends a request. A signature is of its time, so each try has its own.
func (p *Poster) authorize(h http.Header, q *request) {
	if p.config.HMACKey == "" {
		h.Set("Authorization", "Bearer "+p.config.Token)
		return
	}
	h.Set("X-Notifyd-Sender", p.config.Sender)
	webhook.Sign(h, webhook.Key(p.config.HMACKey), q.id, p.now(), q.body)
}
