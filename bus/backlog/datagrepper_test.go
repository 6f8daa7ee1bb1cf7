package backlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/backlog"
	"github.com/notifyd/notifyd/bus/trust"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func config(url string) backlog.Config {
	c := backlog.Config{Datagrepper: url}
	c.SetDefaults()
	return c
}

// A stored is a message of a fake datagrepper, which answers as the real one: from start to end, in pages.
type stored struct {
	at   time.Time
	text string
}

type grepper struct {
	messages []stored
	asked    []string
}

func (g *grepper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	g.asked = append(g.asked, q.Get("start")+"-"+q.Get("end")+" page "+q.Get("page"))
	number := func(key string) int64 {
		n, err := strconv.ParseInt(q.Get(key), 10, 64)
		if err != nil {
			http.Error(w, `{"error": "bad `+key+`"}`, http.StatusInternalServerError)
		}
		return n
	}
	if r.URL.Path != "/datagrepper/raw" || q.Get("order") != "asc" || number("rows_per_page") > 100 {
		http.NotFound(w, r)
		return
	}
	var found []string
	for _, m := range g.messages {
		if at := m.at.Unix(); at >= number("start") && at <= number("end") {
			found = append(found, m.text)
		}
	}
	rows, page := number("rows_per_page"), number("page")
	pages := (int64(len(found)) + rows - 1) / rows
	from, to := min((page-1)*rows, int64(len(found))), min(page*rows, int64(len(found)))
	fmt.Fprintf(w, `{"arguments": {}, "count": %d, "total": %d, "pages": %d, "raw_messages": [%s]}`,
		to-from, len(found), pages, strings.Join(found[from:to], ", "))
}

func message(n int, at time.Time) stored {
	return stored{at, fmt.Sprintf(`{"topic": "org.example.prod.git.receive", "msg_id": "2026-%d", "i": %d, "msg": {}, `+
		`"timestamp": %d.0, "headers": {}, "source_name": "datanommer", "source_version": "1"}`, n, n, at.Unix())}
}

// fetched gives the counters of the messages that an archive gives for a hole, and how far it said that it had come.
func fetched(t *testing.T, a bus.Archive, h bus.Hole) (counters []int64, reached time.Time, err error) {
	t.Helper()
	err = a.Fetch(t.Context(), h, func(p bus.Page) error {
		for _, f := range p.Frames {
			m, err := bus.Decode(f, noon)
			if err != nil {
				return err
			}
			counters = append(counters, m.Counter)
		}
		if p.Reached.After(reached) {
			reached = p.Reached
		}
		return nil
	})
	return counters, reached, err
}

func TestDatagrepperGivesAllPagesOfAllHours(t *testing.T) {
	g := &grepper{}
	begin := noon.Add(-5 * time.Hour)
	for n := range 1000 { // in about four hours
		g.messages = append(g.messages, message(n, begin.Add(time.Duration(n)*15*time.Second)))
	}
	server := httptest.NewServer(g)
	defer server.Close()
	archive := backlog.NewDatagrepper(config(server.URL+"/datagrepper"), func() time.Time { return noon })
	hole := bus.Hole{Since: begin.Add(time.Hour), Until: begin.Add(3 * time.Hour)}
	got, reached, err := fetched(t, archive, hole)
	slices.Sort(got)
	got = slices.Compact(got)
	// Two hours, and the margin of two minutes on both sides.
	if err != nil || len(got) < 480+16 || len(got) > 480+18 || got[0] > 232 || got[len(got)-1] < 728 {
		t.Errorf("%d messages, %v; asked %v", len(got), err, g.asked)
	}
	if reached.Before(hole.Since) || reached.After(hole.Until) {
		t.Errorf("reached %v in a hole from %v to %v", reached, hole.Since, hole.Until)
	}
}

func TestDatagrepperIsAskedWithinTheWindow(t *testing.T) {
	g := &grepper{messages: []stored{message(1, noon.Add(-48*time.Hour)), message(2, noon.Add(-23*time.Hour))}}
	server := httptest.NewServer(g)
	defer server.Close()
	archive := backlog.NewDatagrepper(config(server.URL+"/datagrepper/raw"), func() time.Time { return noon })
	got, _, err := fetched(t, archive, bus.Hole{Since: noon.Add(-100 * time.Hour), Until: noon.Add(-time.Hour)})
	if got = slices.Compact(got); err != nil || !slices.Equal(got, []int64{2}) { // once for each slice it lies in
		t.Errorf("got %v, %v", got, err)
	}
}

// TestDatagrepperMayBeBehind: what has just been sent may not be there yet.
func TestDatagrepperMayBeBehind(t *testing.T) {
	server := httptest.NewServer(&grepper{})
	defer server.Close()
	archive := backlog.NewDatagrepper(config(server.URL+"/datagrepper"), func() time.Time { return noon })
	if _, _, err := fetched(t, archive, bus.Hole{Since: noon, Until: noon.Add(-time.Minute)}); err != bus.ErrTooEarly {
		t.Errorf("Fetch = %v, want too early", err)
	}
}

// TestDatagrepperFails: every fault is an error, in time.
func TestDatagrepperFails(t *testing.T) {
	endless := strings.Repeat(" ", 1<<20)
	for name, serve := range map[string]http.HandlerFunc{
		"an error":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"busy for hours": func(w http.ResponseWriter, _ *http.Request) { busy(w, "7200") },
		"always busy":    func(w http.ResponseWriter, _ *http.Request) { busy(w, "0") },
		"busy, no time":  func(w http.ResponseWriter, _ *http.Request) { busy(w, "") },
		"busy till then": func(w http.ResponseWriter, _ *http.Request) { busy(w, noon.Format(http.TimeFormat)) },
		"a page":         func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"another object": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"error": "no"}`) },
		"half":           func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"raw_messages": [{}`) },
		"no answer":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) },
		"no end": func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := fmt.Fprint(w, endless); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(serve)
			defer server.Close()
			c := config(server.URL)
			c.Timeout = 300 * time.Millisecond
			if name == "no end" {
				c.Timeout = 5 * time.Second
			}
			archive := backlog.NewDatagrepper(c, func() time.Time { return noon })
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := archive.Fetch(ctx, bus.Hole{Since: noon.Add(-2 * time.Hour), Until: noon.Add(-time.Hour)},
				func(bus.Page) error { return nil })
			if err == nil || errors.Is(err, bus.ErrTooEarly) || ctx.Err() != nil {
				t.Errorf("Fetch = %v, want an error", err)
			}
		})
	}
}

// TestSignaturesOfTheArchiveVerify takes an answer of Fedora's datagrepper, which changed what was signed.
func TestSignaturesOfTheArchiveVerify(t *testing.T) {
	path := func(name string) string {
		return filepath.Join("..", "..", "..", "shared", "fedmsg-vectors", name)
	}
	text, err := os.ReadFile(path("datagrepper-response-2017.json"))
	if err != nil {
		t.Skip("needs ../shared/fedmsg-vectors/datagrepper-response-2017.json")
	}
	var answer struct {
		Messages []json.RawMessage `json:"raw_messages"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	then := time.Unix(1504643075, 0)
	g := &grepper{}
	for _, m := range answer.Messages {
		g.messages = append(g.messages, stored{then, string(m)})
	}
	server := httptest.NewServer(g)
	defer server.Close()
	verifier, err := trust.Open(trust.Config{CA: path("fedora-ca-2012.pem")})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	archive := backlog.NewDatagrepper(config(server.URL+"/datagrepper"), func() time.Time { return then.Add(time.Hour) })
	err = archive.Fetch(t.Context(), bus.Hole{Since: then, Until: then}, func(p bus.Page) error {
		for _, f := range p.Frames {
			f.Late = true
			m, err := bus.Decode(f, then)
			if err != nil {
				return err
			}
			if s, _ := verifier.Judge(m, time.Now()); s.Verdict != bus.Signed || s.Signer == "" {
				t.Errorf("%s is %+v, want signed", m.ID, s)
			}
			seen++
		}
		return nil
	})
	if err != nil || seen != len(answer.Messages) || seen == 0 {
		t.Errorf("%d of %d messages, %v", seen, len(answer.Messages), err)
	}
}
