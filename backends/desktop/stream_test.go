package desktop_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

const token = "s3cret-of-alice"

func feed(t testing.TB) *desktop.Feed {
	t.Helper()
	d, err := migrations.Open(t.Context(), migratest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	d.Writer.Exec("PRAGMA synchronous = OFF") // the test is not of power cuts
	return desktop.New(d.Writer, d.Reader, time.Now)
}

// alice authorizes her token for her feed.
func alice(r *http.Request) (string, error) {
	if r.Header.Get("Authorization") != "Bearer "+token {
		return "", nil
	}
	return "alice", nil
}

// careful is a server's deadline for a whole request, which streams must outlive.
const careful = 2 * time.Second

// serve serves h as a careful server does.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/api/v1/notices", h)
	s := httptest.NewUnstartedServer(mux)
	s.Config.ReadTimeout, s.Config.WriteTimeout = careful, careful
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// get opens a stream and gives its lines.
func get(t testing.TB, url, last string) (*http.Response, *bufio.Scanner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/notices", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp, bufio.NewScanner(resp.Body)
}

// event reads the next event that is not a comment: its id and its data.
func event(t testing.TB, lines *bufio.Scanner) (id, data string) {
	t.Helper()
	for lines.Scan() {
		switch field, value, _ := strings.Cut(lines.Text(), ": "); {
		case field == "id":
			id = value
		case field == "data":
			data = value
		case lines.Text() == "" && data != "":
			return id, data
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return "", ""
}

func TestStream(t *testing.T) {
	f := feed(t)
	s := serve(t, f.Stream(alice))
	send(t, f, "p1", "alice", "first\nline: two")
	resp, lines := get(t, s.URL, "")
	opened := time.Now()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	first, data := event(t, lines)
	if !strings.Contains(data, `"title":"first\nline: two"`) {
		t.Errorf("first event: %s", data)
	}
	exectest.Eventually(t, patience, "the server's own deadlines have passed", func() bool {
		return time.Since(opened) > careful+careful/4
	})
	send(t, f, "p2", "alice", "second", "third")
	send(t, f, "p2", "bob", "not for alice")
	if _, data := event(t, lines); !strings.Contains(data, "second") {
		t.Errorf("second event: %s", data)
	}
	_, again := get(t, s.URL, first)
	if _, data := event(t, again); !strings.Contains(data, "second") {
		t.Errorf("after %s: %s", first, data)
	}
	if _, data := event(t, again); !strings.Contains(data, "third") {
		t.Errorf("then: %s", data)
	}
}

func TestStreamEscapesNothingIntoEvents(t *testing.T) {
	f := feed(t)
	s := serve(t, f.Stream(alice))
	hostile := "x\n\nid: 99\nevent: dropped\rdata: {}\u2028\x00<script>"
	err := f.Send(t.Context(), backends.Parcel{ID: "p\n\n", To: "alice",
		Notices: []backends.Notice{{ID: hostile, Title: hostile, Text: hostile, Link: hostile}}})
	if err != nil {
		t.Fatal(err)
	}
	send(t, f, "p2", "alice", "honest")
	_, lines := get(t, s.URL, "")
	if id, data := event(t, lines); strings.Contains(data, "honest") || id == "99" {
		t.Errorf("first event: %s %s", id, data)
	}
	if _, data := event(t, lines); !strings.Contains(data, "honest") {
		t.Errorf("second event: %s", data)
	}
}

func TestStreamRefuses(t *testing.T) {
	f := feed(t)
	s := serve(t, f.Stream(alice))
	for name, test := range map[string]struct {
		method, authorization string
		want                  int
	}{
		"no token":    {"GET", "", 401},
		"wrong token": {"GET", "Bearer wrong", 401},
		"post":        {"POST", "Bearer " + token, 405},
	} {
		req, _ := http.NewRequest(test.method, s.URL+"/api/v1/notices", nil)
		req.Header.Set("Authorization", test.authorization)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != test.want || resp.Header.Get("Content-Type") != "application/json" ||
			!strings.HasPrefix(string(body), `{"error":"`) {
			t.Errorf("%s: %s %s", name, resp.Status, body)
		}
	}
	// That a token cannot be looked up says nothing of the token: a reader that takes it for a 401 would end for good.
	out := serve(t, f.Stream(func(*http.Request) (string, error) { return "", errors.New("the database is locked") }))
	if resp, _ := get(t, out.URL, ""); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("no database: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	for i := range 6 {
		resp, _ := get(t, s.URL, "")
		if want := map[bool]int{true: 200, false: 429}[i < 5]; resp.StatusCode != want {
			t.Errorf("stream %d: %s", i+1, resp.Status)
		}
	}
}

func TestStreamEndsWithRun(t *testing.T) {
	f := feed(t)
	s := serve(t, f.Stream(alice))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }()
	_, lines := get(t, s.URL, "")
	send(t, f, "p1", "alice", "a")
	event(t, lines)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream did not end properly: %v", err)
	}
}

// TestStreamStalledReader has readers that never read: each is dropped by the deadline of a write, and meanwhile
// others are served.
func TestStreamStalledReader(t *testing.T) {
	f := feed(t)
	var open atomic.Int64
	inner := f.Stream(alice)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open.Add(1)
		defer open.Add(-1)
		inner.ServeHTTP(w, r)
	}))
	for range 4 {
		get(t, s.URL, "") // and not a byte is read
	}
	_, lines := get(t, s.URL, "")
	for i := range 20 {
		send(t, f, fmt.Sprint("p", i), "alice", "title "+strings.Repeat("x", 900))
		event(t, lines)
	}
	if open.Load() != 5 {
		t.Errorf("%d streams are open", open.Load())
	}
}
