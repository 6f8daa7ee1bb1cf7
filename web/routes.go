package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// A route is a method and path of the site, its handler, and who may use it.
type route struct {
	pattern string // method and path, as http.ServeMux reads it
	open    bool   // no sign-in is needed
	fresh   bool   // the visitor must have signed in, or shown again who they are, within accounts.FreshFor
	limit   int64  // bytes of a posted form; 0: formLimit
	serve   handler
}

// The bounds on posted forms.
const (
	formLimit        = 64 << 10
	filterLimit      = 2 << 20 // rulespec.MaxText in percent-encoding, or as many values in a form
	unsubscribeLimit = 4 << 10 // RFC 8058 posts one short field
)

// routes are all pages. GET and HEAD change nothing but the session's flash; only a POST acts.
func (s *site) routes() []route {
	return s.addPages(s.addReports(append(destinationRoutes(), []route{
		{pattern: "GET /{$}", open: true, serve: firstPage},
		{pattern: "POST /signin", open: true, serve: askSignIn},
		{pattern: "GET /signin/{token}", open: true, serve: showSignIn},
		{pattern: "POST /signin/{token}", open: true, serve: signIn},
		{pattern: "GET /welcome", open: true, serve: showWelcome},
		{pattern: "POST /welcome", open: true, serve: register},
		{pattern: "POST /signout", serve: signOut},

		{pattern: "GET /filters", serve: listFilters},
		{pattern: "GET /filters/new", serve: newFilter},
		{pattern: "POST /filters", limit: filterLimit, serve: saveFilter},
		{pattern: "POST /filters/preview", limit: filterLimit, serve: previewFilter},
		{pattern: "POST /filters/undo", serve: undoDelete},
		{pattern: "GET /filters/{id}", serve: editFilter},
		{pattern: "POST /filters/{id}", limit: filterLimit, serve: saveFilter},
		{pattern: "POST /filters/{id}/on", serve: switchFilter(true)},
		{pattern: "POST /filters/{id}/off", serve: switchFilter(false)},
		{pattern: "POST /filters/{id}/copy", serve: copyFilter},
		{pattern: "GET /filters/{id}/delete", serve: askDeleteFilter},
		{pattern: "POST /filters/{id}/delete", serve: deleteFilter},

		{pattern: "GET /notices", serve: listNotices},
		{pattern: "POST /notices/{id}/resend", serve: resendNotice},
		{pattern: "GET /messages", serve: listMessages},
		{pattern: "GET /messages/{id}", serve: showMessage},

		{pattern: "GET /stop/{token}", open: true, serve: askUnsubscribe},
		{pattern: "POST /stop/{token}", open: true, limit: unsubscribeLimit, serve: unsubscribe},
		{pattern: "GET /stop/{token}/undo", open: true, serve: askUndo},
		{pattern: "POST /stop/{token}/undo", open: true, limit: unsubscribeLimit, serve: undoUnsubscribe},

		{pattern: "GET /settings", serve: showSettings},
		{pattern: "POST /settings", serve: saveSettings},
		{pattern: "GET /settings/filters.yaml", serve: exportFilters},
		{pattern: "POST /settings/import", limit: filterLimit, serve: importFilters},
		{pattern: "GET /settings/delete", fresh: true, serve: askDeleteAccount},
		{pattern: "POST /settings/delete", fresh: true, serve: deleteAccount},

		{pattern: "GET /help/rules", open: true, serve: helpRules},
	}...)))
}

// destinationRoutes are those of the pages of destinations.
func destinationRoutes() []route {
	return []route{
		{pattern: "GET /destinations", serve: listDestinations},
		{pattern: "POST /destinations", fresh: true, serve: addDestination},
		{pattern: "GET /destinations/{id}", serve: showDestination},
		{pattern: "POST /destinations/{id}", serve: saveSchedule},
		{pattern: "POST /destinations/{id}/looks", serve: saveOptions},
		{pattern: "POST /destinations/{id}/on", serve: switchDestination(true)},
		{pattern: "POST /destinations/{id}/off", serve: switchDestination(false)},
		{pattern: "POST /destinations/{id}/resend", serve: resendCode},
		{pattern: "POST /destinations/{id}/confirm", serve: enterCode},
		{pattern: "POST /destinations/{id}/test", serve: sendTest},
		{pattern: "POST /destinations/{id}/pause", serve: pauseDestination},
		{pattern: "POST /destinations/{id}/signin/code", fresh: true, serve: askLetIn},
		{pattern: "POST /destinations/{id}/signin", fresh: true, serve: letIn},
		{pattern: "POST /destinations/{id}/signin/off", fresh: true, serve: keepOut},
		{pattern: "GET /destinations/{id}/delete", fresh: true, serve: askDeleteDestination},
		{pattern: "POST /destinations/{id}/delete", fresh: true, serve: deleteDestination},
		{pattern: "POST /destinations/{id}/tokens", fresh: true, serve: addToken},
		{pattern: "POST /destinations/{id}/tokens/{token}/revoke", serve: revokeToken},
	}
}

// mux mounts the routes under the base URL's path.
func (s *site) mux() http.Handler {
	pages := http.NewServeMux()
	for _, r := range s.routes() {
		pages.Handle(r.pattern, s.page(r))
	}
	pages.Handle("/", s.page(route{pattern: "/", open: true, serve: notFound(pages)}))

	outer := http.NewServeMux()
	outer.HandleFunc("GET "+s.path("/static/"), s.static)
	if s.Notices != nil {
		outer.Handle("GET "+s.path("/api/v1/notices"), s.from(s.Notices))
	}
	s.addArchive(outer, pages)
	outer.Handle(s.path("/"), http.StripPrefix(s.prefix, s.sessions.LoadAndSave(pages)))
	return outer
}

// from says in the context of a request which network it comes from, for a handler that is not of this package.
func (s *site) from(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(accounts.WithActor(r.Context(), accounts.Actor{Network: s.client(r)})))
	})
}

// policy allows a page to load the style sheet, script and pictures of its own server, to connect to it and to post
// forms to it, and nothing else. Nothing inline runs, and no other site may show the page in a frame.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard sets the headers of every answer, refuses cross-site posts and recovers from panics. origin is that of the base
// URL, because a proxy may change the Host header.
func (s *site) guard(origin string, next http.Handler) (http.Handler, error) {
	cross := http.NewCrossOriginProtection()
	if err := cross.AddTrustedOrigin(origin); err != nil {
		return nil, fmt.Errorf("trust forms of the base URL: %w", err)
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := &request{site: s, w: w, r: r}
		req.errorPage(http.StatusForbidden,
			"The form was sent from another site, so nothing was done. Open the page here and try again.")
	}))
	checked := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin") // with no-referrer a browser hides the Origin of our own forms too
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		defer func() {
			p := recover()
			if p == http.ErrAbortHandler { // net/http breaks the connection off
				panic(p)
			}
			if p != nil {
				s.Log.Error("bug: page panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
			}
		}()
		checked.ServeHTTP(w, r)
	}), nil
}

// static serves the embedded files. An address with the digest of the content may be cached for ever.
func (s *site) static(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, s.path("/static/"))
	file, ok := s.assets[name]
	if !ok {
		req := &request{site: s, w: w, r: r}
		req.errorPage(http.StatusNotFound, "There is no such file.")
		return
	}
	if r.URL.RawQuery == file.digest {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	w.Header().Set("ETag", `"`+file.digest+`"`)
	w.Header().Set("Content-Type", file.kind)
	if r.Header.Get("If-None-Match") == `"`+file.digest+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(file.content) // an error means that the visitor has left
}
