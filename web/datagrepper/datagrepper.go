// Package datagrepper answers as datagrepper does, the public archive of fedmsg and Fedora Messaging
// (https://github.com/fedora-infra/datagrepper), from the history. Programs that were written for datagrepper need
// another host name and nothing else.
//
// A query string becomes a query (query.go, window.go), the query a history.Selection, the messages found the JSON that
// datagrepper writes of them (message.go). datagrepper 1.1 is the model, and 0.9 with Options.Old. Where datagrepper
// fails with an error 500, a traceback or the text of an SQL statement, the answer is an error 400 that says what is
// wrong.
//
// What always holds:
//
//   - Everything is read-only, and everything is public to those who can reach the handler.
//   - A request has a bound on its time, on the values it may give and on the messages it may read; only a few run at
//     the same time.
//   - A function name for JSONP is one, and no script.
//
// What is served, with every parameter: doc/datagrepper.md.
package datagrepper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Options are what the handler works on.
type Options struct {
	History  *history.Store
	Describe func(*bus.Message) *catalogue.Event // what a message means, for meta and cards
	Now      func() time.Time
	Log      *slog.Logger
	URL      string // where the handler is reached: "https://notify.example.org/datagrepper"
	// Old answers as datagrepper 0.9 does: other defaults of the window, no agents, grouped.
	Old bool
	// DefaultDelta is the window of a query that names none; 0: everything.
	DefaultDelta time.Duration
	// Origins are the origins whose pages may read the answers (CORS), as regular expressions of the whole origin.
	Origins []string
	Private bool // only people who are signed in reach the handler: then no other page may read the answers
	// Public returns of which sources everybody may see messages; nil: of all. A request whose context
	// names some (readers.With) has those.
	Public func() readers.Sources
}

// The bounds of one request, and of all.
const (
	mostTime  = 10 * time.Second
	mostRuns  = 6               // requests that read the database at the same time
	mostWait  = 3 * time.Second // for the others
	mostNames = 100             // values of one parameter
	mostValue = 1024            // bytes of a value
)

type server struct {
	Options
	origins []*regexp.Regexp
	runs    chan struct{} // a token for each request that reads the database
	answers chan struct{} // a token for each large answer on its way
	totals  *totals
}

// Handler returns the handler of all paths below Options.URL, which must be stripped before.
func Handler(o Options) (http.Handler, error) {
	s := &server{Options: o, runs: make(chan struct{}, mostRuns), answers: make(chan struct{}, mostAnswers),
		totals: newTotals(o.Now)}
	for _, pattern := range o.Origins {
		re, err := CompileOrigin(pattern)
		if err != nil {
			return nil, err
		}
		s.origins = append(s.origins, re)
	}
	return s, nil
}

// CompileOrigin reads a pattern of Options.Origins.
func CompileOrigin(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

// Paths are what the handler serves, without the slash that may follow.
func Paths() []string {
	return []string{"/raw", "/id", "/messagecount", "/v2/search", "/v2/id", "/charts/", "/widget.js"}
}

func (s *server) route(path string) func(*request) error {
	trimmed := path
	if len(path) > 1 {
		trimmed = strings.TrimSuffix(path, "/")
	}
	switch trimmed {
	case "/raw":
		return (*request).raw
	case "/id":
		return (*request).id
	case "/messagecount":
		return (*request).messagecount
	case "/v2/search", "/v2/id":
		if s.Old {
			return nil
		}
		if trimmed == "/v2/search" {
			return (*request).raw
		}
		return (*request).id
	}
	switch {
	case slices.Contains(manualPages, path) && !(s.Old && path == "/contributing/"):
		return (*request).manual
	case path == "/widget.js" && !s.Private:
		return (*request).widget
	}
	if kind, ok := strings.CutPrefix(path, "/charts/"); ok {
		if s.Old {
			kind = strings.TrimSuffix(kind, "/")
		}
		return func(req *request) error { return req.chart(kind) }
	}
	return nil
}

// A request is one request under way.
type request struct {
	*server
	w   http.ResponseWriter
	r   *http.Request
	ctx context.Context
	values
	among readers.Sources // of these sources messages may be seen
	v2    bool
}

// sources returns of which sources a request may be told.
func (s *server) sources(r *http.Request) readers.Sources {
	among, said := readers.From(r.Context())
	if !said && s.Public != nil {
		return s.Public()
	}
	return among
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := &request{server: s, w: w, r: r, values: parseValues(r.URL.RawQuery), among: s.sources(r),
		v2: strings.HasPrefix(r.URL.Path, "/v2/")}
	s.cors(w, r)
	serve := s.route(r.URL.Path)
	switch {
	case serve == nil:
		req.notFound()
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		req.errorPage(http.StatusMethodNotAllowed, "The method is not allowed for the requested URL.")
	default:
		req.run(serve)
	}
}

// run serves a request within the bounds.
func (req *request) run(serve func(*request) error) {
	client := req.w
	answer := &written{ResponseWriter: client}
	req.w = answer
	req.read(serve)
	if !answer.send(req.answers) {
		req.w = client
		req.tooMuch("The archive sends too many large answers at once. Try again in a moment.")
	}
}

// read makes the answer of a request, within the bounds on what reads the database.
func (req *request) read(serve func(*request) error) {
	ctx, cancel := context.WithTimeout(req.r.Context(), mostTime)
	defer cancel()
	req.ctx = ctx
	wait := time.NewTimer(mostWait)
	defer wait.Stop()
	select {
	case req.runs <- struct{}{}:
		defer func() { <-req.runs }()
	case <-wait.C:
		req.tooMuch("The archive answers too many queries at once. Try again in a moment.")
		return
	case <-ctx.Done():
		return
	}
	err := req.values.check()
	if err == nil {
		err = serve(req)
	}
	var bad badRequest
	switch {
	case err == nil:
	case errors.As(err, &bad):
		req.errorPage(http.StatusBadRequest, string(bad))
	case errors.Is(err, history.ErrTooLarge):
		req.errorPage(http.StatusBadRequest, "The page is larger than 16 MiB. Ask for fewer rows_per_page.")
	case errors.Is(err, history.ErrNotFound):
		req.notFound()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		req.tooMuch("The query takes longer than " + mostTime.String() + ". Narrow it, by time, topic, user or package.")
	case ctx.Err() != nil: // the client has left
	default:
		req.Log.Error("cannot answer a query of the archive", "error", err)
		req.json(http.StatusInternalServerError, map[string]any{"error": "internal_error"})
	}
}

// messagecount answers /messagecount, which is JSON whatever the client asks for.
func (req *request) messagecount() error {
	n, err := req.totals.count(req.ctx, req.History, history.Selection{Among: req.among})
	if err != nil {
		return err
	}
	req.w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(req.w, "{\"messagecount\": %d}", n) // an error means that the client has left
	return nil
}

// id answers /id: one message by its id on the bus.
func (req *request) id() error {
	id, given := req.first("id")
	if !given {
		return badRequest("The browser (or proxy) sent a request that this server could not understand.")
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	found, err := req.History.SelectedByID(req.ctx, id, req.among)
	if err != nil {
		return err
	}
	if req.wantsHTML() {
		return req.cards([]history.Selected{found}, form, false)
	}
	m, err := req.message(found, form.meta)
	if err != nil {
		return err
	}
	return req.json(http.StatusOK, m)
}

// retryAfter is how long a client should wait that asked for too much, in seconds.
const retryAfter = 5

func (req *request) tooMuch(why string) {
	req.w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	_ = req.json(http.StatusServiceUnavailable, map[string]any{"error": why})
}
