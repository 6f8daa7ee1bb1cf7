package signin

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/text"
)

// When a provider is asked for its discovery document.
const (
	discoverFirst = 2 * time.Second // after a failure; doubled each time
	discoverMost  = 5 * time.Minute
	discoverAgain = 12 * time.Hour // endpoints move
)

// A provider is one OpenID Connect provider, and what is known of it.
type provider struct {
	Provider
	name     string
	redirect string // the URI to which it sends the browser back
	client   *http.Client
	now      func() time.Time
	log      *slog.Logger

	turn chan struct{} // holds one token: who has it may ask

	mu     sync.Mutex
	known  *discovered
	until  time.Time // known is asked for again
	failed int64     // in a row
	next   time.Time // when it may be asked again after a failure
	last   error
}

func newProvider(name string, p Provider, o Options) *provider {
	made := &provider{Provider: p, name: name, client: newClient(o.Transport), now: o.Now, log: o.Log,
		redirect: strings.TrimSuffix(o.BaseURL, "/") + "/signin/with/" + name + "/callback", turn: make(chan struct{}, 1)}
	made.turn <- struct{}{}
	return made
}

// down reports whether the provider could not be reached when it was last asked.
func (p *provider) down() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known == nil && p.last != nil
}

// errWaiting is a provider that was asked a moment ago and did not answer.
var errWaiting = errors.New("it could not be reached a moment ago")

// ready gives what is known of the provider, and asks it where that is needed and may be done now.
func (p *provider) ready(ctx context.Context) (*discovered, error) {
	select {
	case <-p.turn:
		defer func() { p.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	known, stale, early, last := p.known, p.now().After(p.until), p.now().Before(p.next), p.last
	p.mu.Unlock()
	switch {
	case known != nil && (!stale || early):
		return known, nil
	case early:
		return nil, errors.Join(errWaiting, last)
	}
	found, err := p.discover(ctx)
	if ctx.Err() != nil && err != nil {
		return known, ctx.Err() // nobody waits for it: that says nothing of the provider
	}
	return p.note(found, err)
}

// note keeps what came of asking. A provider that fails now is as it was known.
func (p *provider) note(found *discovered, err error) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failed++
		p.next = p.now().Add(backoff.Delay(discoverFirst, discoverMost, p.failed, rand.Float64))
		if p.last == nil || p.last.Error() != err.Error() {
			p.log.Warn("cannot reach a provider of sign-ins; it is tried again", "provider", p.name, "error", err)
		}
		p.last = err
		if p.known != nil {
			return p.known, nil
		}
		return nil, err
	}
	if p.known == nil {
		p.log.Info("a provider of sign-ins is there", "provider", p.name, "issuer", p.Issuer)
	} else if p.known.keys.url == found.keys.url {
		// the keys that are known stay, with the allowances of fetching more
		found.keys, found.signIns = p.known.keys, p.known.signIns
		found.idTokens, found.logouts = p.known.idTokens, p.known.logouts
	}
	p.known, p.failed, p.last, p.until, p.next = found, 0, nil, p.now().Add(discoverAgain), time.Time{}
	return found, nil
}

// Run asks the providers until each has answered, and from time to time after that, so that the page knows which can be
// reached. It ends with ctx.
func (w *Ways) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, p := range w.providers {
		all.Go(func() {
			for {
				limit, cancel := context.WithTimeout(ctx, answerWait)
				_, _ = p.ready(limit) // it has logged what is wrong
				cancel()
				if !backoff.Sleep(ctx, p.pause()) {
					return
				}
			}
		})
	}
	all.Wait()
	<-ctx.Done()
	return nil
}

// pause is how long Run waits before it asks again.
func (p *provider) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	when := p.until
	if p.last != nil {
		when = p.next
	}
	return max(time.Second, min(discoverAgain, when.Sub(p.now())))
}

// short is an error of a library, which may carry the whole answer, without line breaks and with a bounded length.
func short(err error) error { return &shortError{err} }

type shortError struct{ error }

func (e *shortError) Error() string { return cut(e.error.Error()) }

func (e *shortError) Unwrap() error { return e.error }

// cut bounds what a provider wrote, for the log.
func cut(s string) string {
	return text.ElideRunes(text.OneLine(text.Storable(s)), 300)
}
