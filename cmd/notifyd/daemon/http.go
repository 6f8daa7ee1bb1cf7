package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/notifyd/notifyd/web/limit"
)

// A listener is an open port and the handler that answers on it.
type listener struct {
	listener *limit.Listener
	handler  http.Handler
}

// These are the largest numbers of connections that are open at once: a client that opens thousands must not use up the
// file descriptors that the database, the buses and the backends need. Each desktop agent keeps one connection to the
// pages open. When all places are taken, the network that has most gives one up: see limit.Listener.
const (
	maxPageConnections     = 4096
	maxOperatorConnections = 256
)

// newHTTPServer bounds everything that a client may do slowly. Streams remove the write deadline for themselves.
func newHTTPServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
}

// operatorPages serves the pages for monitoring: alive, ready, and the metrics.
func (s *Service) operatorPages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{
		Timeout: 10 * time.Second, ErrorHandling: promhttp.ContinueOnError, ErrorLog: metricErrors{s.log},
	}))
	return mux
}

// metricErrors logs the errors of metrics that the handler of /metrics leaves out.
type metricErrors struct{ log *slog.Logger }

// Println implements promhttp.Logger.
func (m metricErrors) Println(v ...any) {
	m.log.Error("some metrics are left out", "error", strings.TrimSpace(fmt.Sprintln(v...)))
}

// readyz reports whether the program receives and routes messages. A backend that is down does not make the program
// unready: its deliveries wait.
func (s *Service) readyz(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	status, problem := http.StatusOK, ""
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if !s.ready.Load() {
		status, problem = http.StatusServiceUnavailable, "starting or stopping"
	} else if err := s.db.Reader.WithContext(ctx).Exec("SELECT 1").Error; err != nil {
		s.log.Warn("not ready: the database does not answer", "error", err)
		status, problem = http.StatusServiceUnavailable, "the database does not answer"
	} else if s.metrics.routeErrors.last.Load() {
		status, problem = http.StatusServiceUnavailable, "the database takes no messages"
	}
	w.WriteHeader(status)
	warnings := slices.Concat(s.trustWarnings(), s.sourceWarnings(), s.files.Warnings(), s.leases.Warnings(),
		s.directory.Warnings(),
		s.prefs.Mailed.Warnings(ctx), s.keeper.Warnings(ctx))
	nodes, err := s.leases.Nodes(ctx)
	if err != nil {
		s.log.Debug("cannot say which nodes there are", "error", err)
	}
	answer := map[string]any{"ready": problem == "", "problem": problem, "warnings": orNone(warnings),
		"silent": orNone(s.silences.Silent()), "nodes": nodes}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.log.Debug("cannot answer readyz", "error", err)
	}
}

// orNone makes nil an empty list in JSON.
func orNone(list []string) []string { return append([]string{}, list...) }

// listen opens a port for handler, with a bound on the connections. Those of whom waits reports true for wait for a
// place; any other network has its share.
func (s *Service) listen(
	ctx context.Context, what, address string, most int, waits func(netip.Addr) bool, handler http.Handler,
) error {
	l, err := listenOn(ctx, address)
	if err != nil {
		return fmt.Errorf("listen for %s: %w", what, err)
	}
	s.log.Info("listening", "for", what, "address", l.Addr().String())
	s.listeners = append(s.listeners, &listener{limit.Share(l, most, waits), handler})
	return nil
}

// unixPrefix begins the address of a Unix socket; maxSocket bounds its path (sun_path of unix(7), with a NUL).
const (
	unixPrefix = "unix:"
	maxSocket  = 107
)

// listenOn opens a port, or a Unix socket that owner and group may use: who can open it is the proxy. A socket that a
// killed daemon has left goes; one that somebody answers on does not.
func listenOn(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	path, ok := strings.CutPrefix(address, unixPrefix)
	if !ok {
		return config.Listen(ctx, "tcp", address)
	}
	l, err := config.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && isSocket(path) && !answers(ctx, path) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		l, err = config.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func isSocket(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().Type() == os.ModeSocket
}

func answers(ctx context.Context, path string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	c, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// serve answers requests until ctx ends, which also ends streams. Open requests may then take as long as grace.
func (l *listener) serve(ctx context.Context, grace time.Duration) error {
	server := newHTTPServer(ctx, l.handler)
	server.ConnState = l.listener.State
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if server.Shutdown(limit) != nil {
			server.Close()
		}
	})
	err := server.Serve(l.listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}
