package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
)

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
			if p := recover(); p != nil && p != http.ErrAbortHandler {
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
