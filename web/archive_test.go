package web_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/notifyd/notifyd/web"
)

// The archive is read by those whom the configuration names, and by nobody otherwise.
func TestArchiveIsForItsReaders(t *testing.T) {
	paths := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "path "+r.URL.Path)
	})
	for _, c := range []struct {
		name                     string
		archive                  *web.Archive
		stranger, member, atRoot int
	}{
		{"nobody", nil, 404, 404, 404},
		{"members", &web.Archive{Handler: paths, Root: []string{"/raw"}}, http.StatusSeeOther, 200, 404},
		{"everybody", &web.Archive{Handler: paths, Public: true}, 200, 200, 404},
		{"everybody, at the root", &web.Archive{Handler: paths, Public: true, Root: []string{"/raw"}}, 200, 200, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, "/notify")
			options := s.options()
			options.Archive = c.archive
			var err error
			if s.pages, err = web.Handler(options); err != nil {
				t.Fatal(err)
			}
			member := s.signUp("alice")
			for _, path := range []string{"/datagrepper/raw", "/datagrepper/raw/"} {
				for v, want := range map[*visitor]int{s.visitor(): c.stranger, member: c.member} {
					if a := v.get(path + "?user=alice"); a.status != want || want == 200 && a.body != "path "+path[12:] {
						t.Errorf("%s: %d %q, want %d", path, a.status, a.body, want)
					}
				}
			}
			if a := s.visitor().get("/raw"); a.status != c.atRoot || c.atRoot == 200 && a.body != "path /raw" {
				t.Errorf("/raw: %d %q, want %d", a.status, a.body, c.atRoot)
			}
		})
	}
}
