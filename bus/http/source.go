package http

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	nethttp "net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/internal/watch"
)

// A Source takes messages at one address.
type Source struct {
	config  Config
	log     *slog.Logger
	now     func() time.Time
	newID   func() string
	parties atomic.Pointer[parties]
	cert    *watch.Watcher[*tls.Certificate] // nil: plain HTTP
	answers answers

	proved, unproved *room

	in *bus.Intake // from Run on

	mu       sync.Mutex
	listener net.Listener // from Bind on
	running  bool
}

// New checks c and makes a Source. An error names the key and what was expected.
func New(c Config, log *slog.Logger) (*Source, error) {
	c.SetDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Source{config: c, log: log, now: time.Now,
		proved: newRoom(c.MaxRequests, provedBytes, nil), unproved: newRoom(c.MaxRequests, unprovedBytes, nil)}
	s.newID = func() string {
		id, _ := bus.NewID(s.now().UTC(), rand.Reader) // which never fails
		return id
	}
	met, err := s.meet(c, nil)
	if err != nil {
		return nil, err
	}
	s.parties.Store(met)
	if c.CertFile != "" {
		if s.cert, err = watchCertificate(c, log); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Bind opens the socket: a Source is a bus.Binder.
func (s *Source) Bind(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	var config net.ListenConfig
	l, err := config.Listen(context.WithoutCancel(ctx), "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.listener = l
	return nil
}

// Close closes the socket of a Source that is not run. After Run it is closed already.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil || s.running {
		return nil
	}
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// begin notes that s runs, and gives the socket.
func (s *Source) begin(in *bus.Intake) net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in, s.running = in, true
	for _, m := range s.parties.Load().meters() {
		m.Connected(true)
	}
	return s.listener
}

// end notes that s does not run any more.
func (s *Source) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	for _, m := range s.parties.Load().meters() {
		m.Ended()
	}
}

// Competes says that whoever posts chooses the node: a Source is bus.Competing.
func (*Source) Competes() bool { return true }

// Run takes requests until ctx ends. Then it answers those that wait 503: their senders send again.
func (s *Source) Run(ctx context.Context, in *bus.Intake) error {
	if err := s.Bind(ctx); err != nil {
		return err
	}
	l := s.begin(in)
	defer s.end()
	s.log.Info("listening", "for", "messages", "address", l.Addr().String())
	var all sync.WaitGroup
	defer all.Wait()
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	l = netutil.LimitListener(l, 4*s.config.MaxRequests)
	if s.cert != nil {
		all.Go(func() { _ = s.cert.Run(inner) })
		l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.cert.Load(), nil }})
	}
	server := s.server(inner, &all)
	all.Go(func() {
		<-inner.Done()
		stop(server)
	})
	if err := server.Serve(l); !errors.Is(err, nethttp.ErrServerClosed) {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

// stopWithin is how long requests may take to be answered at the end.
const stopWithin = time.Second

func stop(server *nethttp.Server) {
	limit, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if server.Shutdown(limit) != nil {
		server.Close()
	}
}

// server bounds what a client can do slowly. Its connections are counted in all.
func (s *Source) server(ctx context.Context, all *sync.WaitGroup) *nethttp.Server {
	c := s.config
	return &nethttp.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: c.ReadTimeout,
		WriteTimeout:      2*c.ReadTimeout + c.CommitTimeout + 5*time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnState: func(_ net.Conn, state nethttp.ConnState) {
			switch state {
			case nethttp.StateNew:
				all.Add(1)
			case nethttp.StateClosed, nethttp.StateHijacked:
				all.Done()
			}
		},
	}
}

// messagesPath is where messages are sent to.
const messagesPath = "/api/v1/messages"

// ServeHTTP answers every request.
func (s *Source) ServeHTTP(w nethttp.ResponseWriter, r *nethttp.Request) {
	path, take := "other", func(nethttp.ResponseWriter, *nethttp.Request) ([]string, error) {
		return nil, problemOf(nethttp.StatusNotFound, "")
	}
	switch {
	case r.URL.Path == messagesPath:
		path, take = "messages", s.post
	case strings.HasPrefix(r.URL.Path, hooksPath):
		path, take = "hooks", s.deliver
	}
	ids, err := []string(nil), error(nil)
	if path != "other" && r.Method != nethttp.MethodPost {
		w.Header().Set("Allow", nethttp.MethodPost)
		err = problemOf(nethttp.StatusMethodNotAllowed, "POST was expected")
	} else {
		ids, err = take(w, r)
	}
	status := nethttp.StatusAccepted
	switch p := refusal(err); {
	case errors.Is(err, errPing):
		status = nethttp.StatusOK
		answer(w, status, "application/json", map[string]any{"ids": []string{}, "ping": true})
	case err != nil:
		status = p.Status
		refuse(w, p)
	default:
		answer(w, status, "application/json", map[string]any{"ids": ids})
	}
	s.answers.count(path, status)
}

// Collect implements bus.Metered.
func (s *Source) Collect(emit metric.Emit) {
	for _, m := range s.parties.Load().meters() {
		m.Collect(emit)
	}
	s.answers.collect(emit)
}
