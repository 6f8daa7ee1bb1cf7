package web

import (
	"net/http"
	"strings"

	"github.com/notifyd/notifyd/history/readers"
)

// An Archive is the history for programs, as datagrepper serves it: see the package web/datagrepper.
type Archive struct {
	Handler http.Handler // of the paths below /datagrepper
	// Public says that everybody may read it. Otherwise it is for those who are signed in, as the pages of messages are.
	Public bool
	Root   []string // paths of Handler that are served at the root too; only where it is public
}

// archivePath is where the archive is served.
const archivePath = "/datagrepper"

// addArchive mounts the archive: a public one beside the pages, without sessions, and another among them.
func (s *site) addArchive(outer, pages *http.ServeMux) {
	a := s.Archive
	switch {
	case a == nil:
	case a.Public:
		limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !s.limits.archive.AllowFrom(s.address(r)) {
				w.Header().Set("Retry-After", "1")
				http.Error(w, `{"error": "too many requests"}`, http.StatusTooManyRequests)
				return
			}
			w.Header().Del("Cross-Origin-Opener-Policy")
			a.Handler.ServeHTTP(w, r)
		})
		outer.Handle(s.path(archivePath)+"/", http.StripPrefix(s.path(archivePath), limited))
		for _, path := range a.Root {
			outer.Handle(s.path(path), http.StripPrefix(s.prefix, limited))
			if !strings.HasSuffix(path, "/") {
				outer.Handle(s.path(path)+"/", http.StripPrefix(s.prefix, limited))
			}
		}
	default:
		pages.Handle("GET "+archivePath+"/", s.page(route{pattern: "GET " + archivePath + "/", serve: serveArchive}))
	}
}

// serveArchive serves the archive to a user.
func serveArchive(req *request) error {
	if !req.allowed(req.limits.archive) {
		return fail(http.StatusTooManyRequests, "That was a lot at once. Wait a minute, then go on.")
	}
	r := req.r.WithContext(readers.With(req.r.Context(), req.seen()))
	http.StripPrefix(archivePath, req.Archive.Handler).ServeHTTP(req.w, r)
	return nil
}
