package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// A hostile server may make a Poster fail. It gets no more than two tries of half a second, and neither memory nor the
// secret.
func TestHostileServers(t *testing.T) {
	filler := strings.Repeat("x", 64<<10)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"an endless answer": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			for r.Context().Err() == nil {
				fmt.Fprint(w, filler)
			}
		}, "it is no notifyd"},
		"an endless refusal": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			for r.Context().Err() == nil {
				fmt.Fprint(w, filler)
			}
		}, "403: Forbidden"},
		"a byte at a time": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for r.Context().Err() == nil {
				fmt.Fprint(w, " ")
				_ = http.NewResponseController(w).Flush()
				<-tick.C
			}
		}, "context deadline exceeded"},
		"no answer":   {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "context deadline exceeded"},
		"a cut":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"no ids":      {accept(`{"ids":[]}`), "it is no notifyd"},
		"no JSON":     {accept(`{"ids":`), "it is no notifyd"},
		"other types": {accept(`{"ids":{"a":1}}`), "it is no notifyd"},
		"a large header": {func(w http.ResponseWriter, _ *http.Request) {
			for n := range 64 {
				w.Header().Set(fmt.Sprint("X-", n), filler[:4<<10])
			}
			w.WriteHeader(http.StatusAccepted)
		}, "exceeded"},
		"many informational answers": {func(w http.ResponseWriter, _ *http.Request) {
			for range 10_000 {
				w.Header().Set("Link", filler[:4<<10])
				w.WriteHeader(http.StatusEarlyHints)
			}
		}, "exceeded|1xx"},
	} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server looks whether the client is gone
			c.answer(w, r)
		}))
		server.Config.ErrorLog = log.New(noWriter{}, "", 0)
		server.Start()
		p, _ := newTestPoster(t, PosterConfig{URL: server.URL, Token: testToken, Timeout: 500 * time.Millisecond,
			Patience: 10 * time.Millisecond})
		began := time.Now()
		_, err := p.Post(t.Context(), said(1))
		found := false
		for part := range strings.SplitSeq(c.want, "|") {
			found = found || err != nil && strings.Contains(err.Error(), part)
		}
		if !found || time.Since(began) > 10*time.Second || strings.Contains(err.Error(), testToken) {
			t.Errorf("%s: after %v: %v, want %s", name, time.Since(began), err, c.want)
		}
		p.Close()
		server.CloseClientConnections()
		server.Close()
	}
}

type noWriter struct{}

func (noWriter) Write(b []byte) (int, error) { return len(b), nil }

func accept(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, body)
	}
}

// TestRedirectTakesNothingAway: neither the token nor the message goes where a server sends.
func TestRedirectTakesNothingAway(t *testing.T) {
	reached := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer thief.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(thief.URL+"/api/v1/messages", status))
		p, _ := newTestPoster(t, PosterConfig{URL: server.URL, Token: testToken})
		_, err := p.Post(t.Context(), said(1))
		server.Close()
		if err == nil || reached || !strings.Contains(err.Error(), thief.URL) {
			t.Errorf("%d: %v, reached %t", status, err, reached)
		}
	}
}

// TestTrustsNoStranger: what is no TLS, or that of another, gets nothing and is not tried again.
func TestTrustsNoStranger(t *testing.T) {
	server := httptest.NewUnstartedServer(accept(`{"ids":["a"]}`))
	server.Config.ErrorLog = log.New(noWriter{}, "", 0)
	server.StartTLS()
	defer server.Close()
	plain := httptest.NewServer(accept(`{"ids":["a"]}`))
	defer plain.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	for _, c := range []struct {
		name, url string
		config    *tls.Config
		want      string
	}{
		{"a CA that is not known", server.URL, nil, "certificate signed by unknown authority"},
		{"another name", server.URL, &tls.Config{RootCAs: pool, ServerName: "bus.example.net"}, "not bus.example.net"},
		{"no TLS", "https" + strings.TrimPrefix(plain.URL, "http"), nil, "HTTP response to HTTPS client"},
		{"the right one", server.URL, &tls.Config{RootCAs: pool}, ""},
	} {
		p, slept := newTestPoster(t, PosterConfig{URL: c.url, Token: testToken, TLS: c.config})
		_, err := p.Post(t.Context(), said(1))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) ||
			len(*slept) > 0 {
			t.Errorf("%s: %v after %v, want %s", c.name, err, *slept, c.want)
		}
	}
}

// TestNobodyThere: no server is tried again, until the patience or the context ends.
func TestNobodyThere(t *testing.T) {
	url := fmt.Sprintf("http://127.0.0.1:%d", exectest.FreePort(t))
	p, slept := newTestPoster(t, PosterConfig{URL: url, Token: testToken})
	_, err := p.Post(t.Context(), said(1))
	if err == nil || !strings.Contains(err.Error(), "connection refused") || len(*slept) < 4 {
		t.Errorf("%v after %v", err, *slept)
	}
	p, _ = newTestPoster(t, PosterConfig{URL: url, Token: testToken, Patience: -1})
	ctx, cancel := context.WithCancel(t.Context())
	p.sleep = func(context.Context, time.Duration) bool { cancel(); return false }
	if _, err := p.Post(ctx, said(1)); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
	if _, err := p.Post(ctx, said(1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
