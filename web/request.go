package web

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// A request is what a handler works with: one HTTP request, the user who made it, and the site with its stores.
type request struct {
	*site
	w     http.ResponseWriter
	r     *http.Request
	user  prefs.User     // the zero User when nobody is signed in
	login accounts.Login // how; the zero Login when nobody is
	zone  *time.Location
	// hasSession: the session middleware has run, so that the session can be read
	hasSession bool
	masked     bool // addresses are hidden: an operator looks
}

// A handler answers one request. It returns an error instead of writing an error page.
type handler func(req *request) error

// A failure is an error for the visitor: a status and a sentence.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

// fail makes a failure.
func fail(status int, text string) error { return &failure{status, text} }

// answer runs h and turns its error into a page. It logs only unforeseen errors: a failure is the visitor's mistake.
func (s *site) answer(req *request, pattern string, h handler) {
	err := h(req)
	if err == nil {
		return
	}
	var tooBig *http.MaxBytesError
	var f *failure
	switch {
	case errors.As(err, &f):
		req.errorPage(f.status, f.text)
	case errors.As(err, &tooBig):
		req.errorPage(http.StatusRequestEntityTooLarge,
			"What you sent is larger than this page takes ("+strconv.FormatInt(tooBig.Limit>>10, 10)+" KiB).")
	case errors.Is(err, prefs.ErrNotFound):
		req.errorPage(http.StatusNotFound, "There is nothing here, or it is not yours. It may have been deleted.")
	case req.r.Context().Err() != nil:
		req.Log.Debug("visitor left", slog.String("route", pattern))
	default:
		req.Log.Error("page failed", slog.String("route", pattern), slog.Any("err", err))
		req.errorPage(http.StatusInternalServerError,
			"Something went wrong on our side. It was written to the log; trying again later may help.")
	}
}

// errorPage writes the page of an error. For htmx it writes a partial: htmx puts it in the place of the preview, which
// reloads by itself while the user types, or above the page, which keeps what was typed. The layout configures htmx to
// show answers with an error status.
func (req *request) errorPage(status int, text string) {
	page := struct {
		layout
		Status int
		Text   string
	}{req.layout(errorTitle(status), ""), status, text}
	write := req.show
	if req.htmx() {
		write = req.alert
	}
	if err := write(status, "error", page); err != nil {
		req.Log.Error("error page failed", slog.Any("err", err))
		http.Error(req.w, text, status)
	}
}

func errorTitle(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "That request does not make sense"
	case http.StatusForbidden:
		return "That is not allowed"
	case http.StatusNotFound:
		return "Page not found"
	case http.StatusMethodNotAllowed:
		return "That cannot be done here"
	case http.StatusGone:
		return "This link no longer works"
	case http.StatusRequestEntityTooLarge:
		return "That is too large"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "Please wait a moment"
	}
	return "Something went wrong"
}

// show renders a page. It writes the first byte after the whole template, so that an error in it becomes an error page.
func (req *request) show(status int, name string, data any) error {
	var out bytes.Buffer
	if err := req.pages[name].ExecuteTemplate(&out, "layout", data); err != nil {
		return err
	}
	req.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	req.w.WriteHeader(status)
	_, err := out.WriteTo(req.w)
	return ignoreGone(err)
}

// alert renders an error for htmx.
func (req *request) alert(status int, name string, data any) error {
	var out bytes.Buffer
	if err := req.pages[name].ExecuteTemplate(&out, "alert", data); err != nil {
		return err
	}
	if req.r.Header.Get("HX-Target") != "preview" {
		req.w.Header().Set("HX-Retarget", "#alert")
		req.w.Header().Set("HX-Reswap", "innerHTML show:window:top")
	}
	req.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	req.w.WriteHeader(status)
	_, err := out.WriteTo(req.w)
	return ignoreGone(err)
}

// partial renders one named template of a page, for htmx to put in its place.
func (req *request) partial(page, name string, data any) error {
	var out bytes.Buffer
	if err := req.pages[page].ExecuteTemplate(&out, name, data); err != nil {
		return err
	}
	req.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := out.WriteTo(req.w)
	return ignoreGone(err)
}

// ignoreGone drops the error of a write: the visitor has left.
func ignoreGone(error) error { return nil }

// redirect sends the visitor to a page of this site. path is a constant or built from ids, never from the HTTP request:
// so no link of an attacker can redirect elsewhere.
func (req *request) redirect(path string) error {
	req.w.Header().Set("Location", req.path(path))
	req.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// htmx reports whether htmx sent the HTTP request and wants a partial.
func (req *request) htmx() bool { return req.r.Header.Get("HX-Request") == "true" }

// id reads the id in the path; anything but a positive number is not found.
func (req *request) id() (uint, error) {
	n, err := strconv.ParseUint(req.r.PathValue("id"), 10, 32)
	if err != nil || n == 0 {
		return 0, prefs.ErrNotFound
	}
	return uint(n), nil
}

// form returns a field of the posted form without surrounding blanks.
func (req *request) form(name string) string { return strings.TrimSpace(req.r.PostFormValue(name)) }

// parseForm reads the posted form, within the limit of the route.
func (req *request) parseForm() error {
	err := req.r.ParseForm()
	var tooBig *http.MaxBytesError
	if err != nil && !errors.As(err, &tooBig) {
		return fail(http.StatusBadRequest, "The form could not be read.")
	}
	return err
}
