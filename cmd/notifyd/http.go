package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A listener is an open port and what answers there.
type listener struct {
	listener net.Listener
	handler  http.Handler
}

// newHTTPServer has a bound for everything a client may do slowly. Streams lift the write deadline for themselves.
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

// operatorPages serves what monitoring asks: alive, ready, and the metrics.
func (s *service) operatorPages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second}))
	return mux
}

// readyz says whether the program takes and routes messages. A backend that is down does not make it unready: what is
// owed waits.
func (s *service) readyz(w http.ResponseWriter, r *http.Request) {
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
	if err := json.NewEncoder(w).Encode(map[string]any{"ready": problem == "", "problem": problem}); err != nil {
		s.log.Debug("cannot answer readyz", "error", err)
	}
}
