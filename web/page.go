package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/signin"
)

// readTimeout bounds the reading of a request's body and the work on it; the server's own limits bound the header.
const readTimeout = 30 * time.Second

// page makes the http.Handler of a route. It bounds the body and the time, finds the user, sends visitors who are not
// signed in to the first page where the route is not open, limits posts, and calls the route's handler.
func (s *site) page(rt route) http.Handler {
	limit := rt.limit
	if limit == 0 {
		limit = formLimit
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
		defer cancel()
		// A test server may be unable to set a read deadline; the deadline of ctx holds in any case.
		_ = http.NewResponseController(w).SetReadDeadline(s.Now().Add(readTimeout))
		r = r.WithContext(ctx)
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		req := &request{site: s, w: w, r: r, zone: time.UTC, hasSession: true}
		s.answer(req, rt.pattern, func(req *request) error {
			if err := req.identify(); err != nil {
				return err
			}
			req.act()
			if req.user.ID == 0 && !rt.open {
				return req.askToSignIn()
			}
			if rt.fresh && !req.login.IsFresh(req.Now()) {
				return req.askFresh()
			}
			if r.Method != http.MethodGet && r.Method != http.MethodHead && !req.allowed(s.limits.posts) {
				return fail(http.StatusTooManyRequests, "That was a lot at once. Wait a minute, then go on.")
			}
			if r.Method == http.MethodPost {
				if err := req.parseForm(); err != nil {
					return err
				}
			}
			return rt.serve(req)
		})
	})
}

// act says for the audit who makes the changes of this request, and from where.
func (req *request) act() {
	actor := accounts.Actor{Kind: accounts.Person, ID: req.user.ID, Name: req.user.Name, Network: req.client(req.r)}
	if role := req.role(); role > accounts.User {
		actor.Role = role.String()
	}
	req.r = req.r.WithContext(accounts.WithActor(req.r.Context(), actor))
}

// askToSignIn redirects a GET to the first page, and refuses a POST.
func (req *request) askToSignIn() error {
	if req.r.Method == http.MethodGet || req.r.Method == http.MethodHead {
		// no flash: it needs a session, and strangers would fill the database with those
		needed := "/?signin=needed"
		if back := signin.SafePath(req.r.URL.RequestURI()); back != "/" {
			needed += "&back=" + url.QueryEscape(back)
		}
		return req.redirect(needed)
	}
	return fail(http.StatusForbidden, "You are not signed in, or your session has ended. Sign in and try again.")
}

const noSuchPage = "There is no such page. The address may be mistyped, or what it showed was deleted."

// notFound answers a request that no route takes: 405 when the path exists for another method, 404 otherwise.
func notFound(pages *http.ServeMux) handler {
	return func(req *request) error {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			other := req.r.Clone(req.r.Context())
			other.Method = method
			if _, pattern := pages.Handler(other); pattern != "/" && pattern != "" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			return fail(http.StatusNotFound, noSuchPage)
		}
		req.w.Header().Set("Allow", strings.Join(allowed, ", "))
		return fail(http.StatusMethodNotAllowed, "The page exists, but not for this kind of request.")
	}
}
