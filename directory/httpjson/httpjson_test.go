package httpjson_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/directorytest"
	"github.com/notifyd/notifyd/directory/fetch"
	"github.com/notifyd/notifyd/directory/httpjson"
)

// settings has the defaults of a shape.
func settings(shape, url string) httpjson.Settings {
	c := httpjson.Config{"it": {Shape: shape, URL: url}}
	c.SetDefaults()
	return c["it"]
}

func open(t *testing.T, s httpjson.Settings) directory.Source {
	t.Helper()
	return opened(t, s)
}

func opened(t testing.TB, s httpjson.Settings) directory.Source {
	t.Helper()
	source, err := httpjson.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// serve starts a server of one handler.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	return serveAll(t, handler)
}

func serveAll(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// text serves a text under every path.
func text(t *testing.T, body string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
}

func fetched(t *testing.T, s httpjson.Settings) *directory.Facts {
	t.Helper()
	f, err := open(t, s).Fetch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sample reads one of the samples beside the repository, or skips the test.
func sample(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "cases", "identity", name))
	if err != nil {
		t.Skipf("the samples are not there: %v", err)
	}
	return string(body)
}

const owners = `{"rpms": {"bash": ["alice", "bob", "alice"], "gone": ["orphan"], "half": ["orphan", "carol"], "none": [],
	"null": null, "team": ["@infra"]}, "container": {"bash": ["dave"]}}`

func TestSourceKeepsThePromises(t *testing.T) {
	login := fetch.Login{Token: "hunter2"}
	at := func(t *testing.T, url string) directory.Source {
		s := settings("pagure_owner_alias", url)
		s.Login, s.MaxBytes = login, 1<<20
		return open(t, s)
	}
	status := func(code int, body string) func(*testing.T) directory.Source {
		return func(t *testing.T) directory.Source {
			return at(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(code)
				fmt.Fprint(w, body)
			}))
		}
	}
	directorytest.Run(t, directorytest.Kit{
		Good: func(t *testing.T) directory.Source { return at(t, text(t, owners)) },
		At:   func(t *testing.T, address string) directory.Source { return at(t, "http://"+address) },
		Bad: map[string]func(*testing.T) directory.Source{
			"404":           status(404, owners),
			"401":           status(401, owners),
			"500":           status(500, owners),
			"204":           status(204, ""),
			"304 unasked":   status(304, ""),
			"206":           status(206, owners),
			"empty":         status(200, ""),
			"HTML":          status(200, "<html>please sign in</html>"),
			"half":          status(200, owners[:len(owners)/2]),
			"two values":    status(200, owners+owners),
			"another shape": status(200, `{"rpms": {"bash": "alice"}}`),
			"a number":      status(200, `{"rpms": {"bash": [1]}}`),
			"a list":        status(200, `[1, 2]`),
			"deep":          status(200, strings.Repeat("[", 100_000)),
			"too large":     status(200, `{"rpms": {"x": ["`+strings.Repeat("x", 1<<20)+`"]}}`),
			"redirects": func(t *testing.T) directory.Source {
				return at(t, serve(t, http.RedirectHandler("/x", http.StatusFound).ServeHTTP))
			},
			"to another": func(t *testing.T) directory.Source {
				return at(t, serve(t, http.RedirectHandler(text(t, owners), http.StatusFound).ServeHTTP))
			},
			"cut connection": func(t *testing.T) directory.Source { return at(t, cut(t)) },
		},
		Secret: login.Token,
	})
}

// cut serves an answer that is shorter than it says.
func cut(t *testing.T) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(owners)+1))
		fmt.Fprint(w, owners)
	})
}

func TestOwners(t *testing.T) {
	f := fetched(t, settings("pagure_owner_alias", text(t, owners)))
	s := directory.Merge(directory.Policy{}, directory.Part{Facts: f})
	for pkg, want := range map[string]string{"bash": "alice:commit bob:commit", "gone": "", "half": "carol:commit",
		"none": "", "null": "", "team": "@infra:commit", "container/bash": "dave:commit"} {
		if got := ownersOf(s, pkg); got != want {
			t.Errorf("owners of %s: %q, want %q", pkg, got, want)
		}
	}
	if !slices.Contains(f.Packages["gone"], directory.Owner{Role: "commit"}) {
		t.Error("an orphaned package does not say that nobody has it, so that another source decides")
	}
	with := settings("pagure_bz", text(t, owners))
	with.Namespaces = map[string]string{"rpms": "rpms/", "container": ""}
	s = directory.Merge(directory.Policy{}, directory.Part{Facts: fetched(t, with)})
	if got := ownersOf(s, "rpms/bash") + "; " + ownersOf(s, "bash"); got != "alice:watch bob:watch; dave:watch" {
		t.Errorf("with other namespaces: %s", got)
	}
}

func ownersOf(s *directory.Snapshot, pkg string) string {
	var all []string
	for owner, role := range s.Owners(pkg) {
		all = append(all, owner+":"+role)
	}
	return strings.Join(all, " ")
}

func TestOverrides(t *testing.T) {
	body := `{"rpms": {"bash": {"fedora_assignee": "carol", "epel_assignee": "dave"}, "zsh": {"fedora_assignee": null},
		"old": {"bugzilla_contact": {"Fedora": "erin", "Fedora EPEL": "orphan"}}}}`
	f := fetched(t, settings("bugzilla_overrides", text(t, body)))
	s := directory.Merge(directory.Policy{}, directory.Part{Facts: f})
	got := ownersOf(s, "bash") + "; " + ownersOf(s, "old")
	if got != "carol:assignee dave:epel-assignee; erin:assignee" || len(f.Packages) != 2 {
		t.Errorf("overrides: %s of %v", got, f.Packages)
	}
}

func TestContacts(t *testing.T) {
	body := `{"rpms": {"bash": {"admin": "carol", "fedora": "carol", "epel": "dave"}, "gone": {"admin": "orphan",
		"fedora": "orphan"}}, "container": {"bash": {"admin": "erin"}}}`
	f := fetched(t, settings("pagure_poc", text(t, body)))
	s := directory.Merge(directory.Policy{}, directory.Part{Facts: f},
		directory.Part{Facts: fetched(t, settings("bugzilla_overrides", text(t, `{"rpms": {"gone": {"fedora_assignee": "x"},
			"container/bash": {"fedora_assignee": "dave"}}}`)))})
	for pkg, want := range map[string]string{
		"bash": "carol:assignee carol:main-admin dave:epel-assignee", "gone": "",
		"container/bash": "dave:assignee erin:main-admin",
	} {
		words := strings.Fields(ownersOf(s, pkg))
		slices.Sort(words)
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%s: %q, want %q", pkg, got, want)
		}
	}
	for _, bad := range []string{`null`, `{"rpms": {"bash": {"fedora": "carol"}}}`, `{"rpms": {"bash": ["carol"]}}`} {
		if f, err := open(t, settings("pagure_poc", text(t, bad))).Fetch(t.Context(), nil); err == nil {
			t.Errorf("%s: %+v", bad, f.Packages)
		}
	}
}

// TestUnchanged: only what has changed is read again, and other settings make the source forget.
func TestUnchanged(t *testing.T) {
	full, stamp := 0, "Mon, 02 Nov 2026 10:00:00 GMT"
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Last-Modified", stamp)
		if r.Header.Get("If-None-Match") == `"1"` && r.Header.Get("If-Modified-Since") == stamp {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full++
		fmt.Fprint(w, owners)
	})
	source := open(t, settings("pagure_owner_alias", url))
	first, err := source.Fetch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := source.Fetch(t.Context(), first); err != nil || again != first || full != 1 {
		t.Errorf("the second fetch: new facts %v, %v, %d answers", again != first, err, full)
	}
	other := settings("pagure_owner_alias", url)
	other.Role = "maintainer"
	if again, err := open(t, other).Fetch(t.Context(), first); err != nil || again == first || full != 2 {
		t.Errorf("with another role: the same facts %v, %v, %d answers", again == first, err, full)
	}
	stamp = "Sun, 01 Nov 2026 10:00:00 GMT"
	if f, err := source.Fetch(t.Context(), first); err == nil || !strings.Contains(err.Error(), "older than the last") {
		t.Errorf("an older answer: %+v, %v", f, err)
	}
}

// TestLoginStaysWithItsHost: neither redirects nor pages take it elsewhere.
func TestLoginStaysWithItsHost(t *testing.T) {
	stranger := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host got %s %v", r.URL, r.Header)
	})
	for _, pages := range []string{"next", "link"} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer t" || r.Header.Get("X-Extra") != "e" {
				t.Errorf("the login is not sent: %v", r.Header)
			}
			w.Header().Set("Link", `<`+stranger+`/x>; rel="next"`)
			fmt.Fprintf(w, `{"rows": [], "next": %q}`, stranger+"/x")
		})
		s := settings("map", url)
		s.Login = fetch.Login{Token: "t", Headers: map[string]string{"X-Extra": "e"}}
		s.Map = httpjson.Mapping{Rows: "body.rows", Group: httpjson.GroupMapping{Name: "row.n", Members: "row.m"}}
		s.Pages = pages
		if pages == "next" {
			s.Next = "body.next"
		}
		if f, err := open(t, s).Fetch(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "another host") {
			t.Errorf("pages %s: %+v, %v", pages, f, err)
		}
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	for _, test := range []struct {
		change func(*httpjson.Settings)
		want   string
	}{
		{func(s *httpjson.Settings) { s.Shape = "" }, `shape: ""; one of `},
		{func(s *httpjson.Settings) { s.URL = "ftp://x" }, "url: "},
		{func(s *httpjson.Settings) { s.URL = "https://u:p@x/" }, "url: "},
		{func(s *httpjson.Settings) { s.Every = time.Second }, "every: "},
		{func(s *httpjson.Settings) { s.Within = 2 * time.Hour }, "within: "},
		{func(s *httpjson.Settings) { s.AtLeast = 101 }, "at_least: "},
		{func(s *httpjson.Settings) { s.MaxBytes = 1 }, "max_bytes: "},
		{func(s *httpjson.Settings) { s.Pages = "some" }, "pages: "},
		{func(s *httpjson.Settings) { s.Pages = "next" }, "next: "},
		{func(s *httpjson.Settings) { s.Login.User = "u" }, "login.user"},
		{func(s *httpjson.Settings) { s.URL, s.Login.Token = "http://example.org/x", "t" }, "url: https was expected"},
		{func(s *httpjson.Settings) { s.Login.Headers = map[string]string{"a b": "c"} }, "login.headers: "},
		{func(s *httpjson.Settings) { s.TLS.CAFile = "/does/not/exist" }, "tls.ca_file: "},
		{func(s *httpjson.Settings) { s.Servers = map[string]string{"xmpp": "x"} }, "servers: "},
		{func(s *httpjson.Settings) { s.Map.Rows = "body" }, "map: the shape "},
		{func(s *httpjson.Settings) { s.Shape = "map" }, "map: one of "},
		{func(s *httpjson.Settings) { s.Shape, s.Map.Rows = "map", "body.(" }, "map.rows: "},
		{func(s *httpjson.Settings) { s.Shape, s.Map.Person.Name = "map", "nobody.name" }, "map.person.name: "},
		{func(s *httpjson.Settings) { s.Shape, s.Map.Package.Name = "map", "row.name" }, "map.package.owners: "},
	} {
		s := settings("pagure_bz", "https://example.org/x")
		test.change(&s)
		if _, err := httpjson.New(s); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

func TestSampleOfOwners(t *testing.T) {
	f := fetched(t, settings("pagure_owner_alias", text(t, sample(t, "pagure_owner_alias.json"))))
	s := directory.Merge(directory.Policy{}, directory.Part{Facts: f})
	for pkg, want := range map[string]string{"amberlight": "", "brook": "citra-w:commit", "copper++": "ezra_old:commit",
		"container/tidepool": "asperan:commit", "modules/brook-runtime": "", "modules/kestrel": "bolko77:commit"} {
		if got := ownersOf(s, pkg); got != want {
			t.Errorf("owners of %s: %q, want %q", pkg, got, want)
		}
	}
	if got := s.Packages("orphan"); len(got) > 0 || len(f.Packages) != 30 {
		t.Errorf("orphan owns %v of %d packages", got, len(f.Packages))
	}
}
