package desktop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
)

// An AgentConfig says where an Agent reads and how it shows.
type AgentConfig struct {
	Server string // base URL of notifyd, e.g. https://notify.example.org
	Token  string
	State  string // file that keeps the id of the last event shown; "" forgets it at the end
	// PlainHTTP allows http:// to another machine: the token then goes over the network in the clear.
	PlainHTTP bool
	// Show shows notices to the person, together; nil when they have been shown. It is called again with the same ones
	// after an error. missed is how many older ones the server had to delete.
	Show func(ctx context.Context, items []Item, missed int64) error

	Client  *http.Client  // nil: one with deadlines, that follows no redirect
	Silence time.Duration // a stream that is silent for so long is dead: 65 s, three of the server's heartbeats
	First   time.Duration // delay before the second attempt to connect; it doubles: 1 s
	Most    time.Duration // the longest delay: 2 min
	Quiet   time.Duration // a burst ends when nothing came for so long: 250 ms
	Random  func() float64
	Log     *slog.Logger
}

// An Agent reads a feed and shows it, in a person's session.
type Agent struct {
	cfg    AgentConfig
	stream *url.URL
	last   string // id of the last event shown; owned by Run
}

// ErrToken says that the server does not know the token: no retry mends that. An Agent ends with it.
var ErrToken = errors.New("the server does not accept the token")

// NewAgent checks the configuration. The error is for the person who typed it.
func NewAgent(cfg AgentConfig) (*Agent, error) {
	u, err := url.Parse(strings.TrimRight(cfg.Server, "/"))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("server %q: expected a URL such as https://notify.example.org", cfg.Server)
	}
	if u.Scheme == "http" && !cfg.PlainHTTP && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("server %q: http would send the token in the clear; use https", cfg.Server)
	}
	if cfg.Token == "" || strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("token: expected the text that the page of the destination shows, without spaces")
	}
	if cfg.Show == nil || cfg.Random == nil || cfg.Log == nil {
		return nil, errors.New("bug: desktop.AgentConfig needs Show, Random and Log")
	}
	preset(&cfg.Silence, 65*time.Second)
	preset(&cfg.First, time.Second)
	preset(&cfg.Most, 2*time.Minute)
	preset(&cfg.Quiet, 250*time.Millisecond)
	if cfg.Client == nil {
		cfg.Client = newClient()
	}
	a := &Agent{cfg: cfg, stream: u.JoinPath("/api/v1/notices")}
	if a.last, err = readState(cfg.State); err != nil {
		return nil, err
	}
	return a, nil
}

func preset(d *time.Duration, otherwise time.Duration) {
	if *d <= 0 {
		*d = otherwise
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// newClient gives a client whose every step before the stream has a deadline. A redirect could carry the token to
// somebody else: none is followed.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 20 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    20 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // a short answer must not become a long one
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Run reads and shows until ctx ends, and then returns nil. Lost connections are made again, with a growing, spread
// delay. The only error it returns by itself wraps ErrToken, or says that the state file cannot be written.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	events := make(chan Event, maxBurst)
	var showing sync.WaitGroup
	defer showing.Wait()
	defer cancel(nil)
	failed := int64(0) // in a row
	for {
		// Each connection begins after what was shown: what an earlier one read and nobody showed comes again.
		shown := make(chan error, 1)
		reading, stop := context.WithCancel(ctx)
		showing.Go(func() {
			err := a.show(reading, events)
			if err != nil {
				cancel(err)
			}
			stop()
			shown <- err
		})
		got, err := a.read(reading, events)
		stop()
		if err := <-shown; err != nil {
			return err
		}
		events = make(chan Event, maxBurst)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrToken) {
			return err
		}
		if got {
			failed = 0
		}
		failed++
		delay := backoff.Delay(a.cfg.First, a.cfg.Most, failed, a.cfg.Random)
		a.cfg.Log.Warn("connection lost", "error", err, "retry_in", delay.Round(time.Millisecond))
		if !backoff.Sleep(ctx, delay) {
			return nil
		}
	}
}
