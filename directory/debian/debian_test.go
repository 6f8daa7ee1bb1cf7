package debian

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/directorytest"
	"github.com/notifyd/notifyd/directory/fetch"
	"github.com/notifyd/notifyd/internal/exectest"
)

func settings(url string) Settings {
	c := Config{"it": {URL: url}}
	c.SetDefaults()
	return c["it"]
}

func opened(t *testing.T, s Settings) directory.Source {
	t.Helper()
	source, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func serve(t *testing.T, body []byte) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		if _, err := w.Write(body); err != nil {
			t.Log(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func fetched(t *testing.T, body []byte, change func(*Settings)) *directory.Facts {
	t.Helper()
	s := settings(serve(t, body))
	if change != nil {
		change(&s)
	}
	f, err := opened(t, s).Fetch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// owners are the owners of a package in one line.
func owners(f *directory.Facts, pkg string) string {
	var all []string
	for _, o := range f.Packages[pkg] {
		all = append(all, o.Name+":"+o.Role)
	}
	return strings.Join(all, " ")
}

const index = "Package: bash\nVersion: 5.2-1\nMaintainer: Matthias <m@example.org>\nUploaders: A. B, IV <A@Example.org>,\n" +
	" c@example.org\n\npackage: zsh\nVERSION: 1-1\nmaintainer: Team <team@lists.example.org>\n"

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSourceKeepsThePromises(t *testing.T) {
	at := func(t *testing.T, url string) directory.Source {
		s := settings(url)
		s.MaxBytes, s.Login = 1<<20, fetch.Login{User: "u", Password: "hunter2"}
		return opened(t, s)
	}
	bad := func(body []byte) func(t *testing.T) directory.Source {
		return func(t *testing.T) directory.Source { return at(t, serve(t, body)) }
	}
	packed := gzipped(t, strings.Repeat(index, 100))
	directorytest.Run(t, directorytest.Kit{
		Good: func(t *testing.T) directory.Source { return at(t, serve(t, []byte(index))) },
		At:   func(t *testing.T, address string) directory.Source { return at(t, "http://"+address) },
		Bad: map[string]func(t *testing.T) directory.Source{
			"HTML":            bad([]byte("<html>\n<body>moved\n</html>\n")),
			"JSON":            bad([]byte(`{"a": 1}`)),
			"cut gzip":        bad(packed[:len(packed)-10]),
			"broken gzip":     bad(append([]byte{0x1f, 0x8b}, "nonsense that is no gzip"...)),
			"broken xz":       bad([]byte("\xfd7zXZ\x00nonsense that is no xz")),
			"bomb":            bad(gzipped(t, strings.Repeat("Package: x\n", 1<<20))),
			"a line for ever": bad(append([]byte("Package: x"), bytes.Repeat([]byte("x"), 1<<20-20)...)),
			"half broken":     bad([]byte(strings.Repeat("nonsense\n\n", 10) + index)),
		},
		Secret: "hunter2",
	})
}

func TestPackedForms(t *testing.T) {
	forms := map[string][]byte{"plain": []byte(index), "gzip": gzipped(t, index)}
	if program, err := exec.LookPath("xz"); err == nil {
		xz := exec.Command(program, "-9", "--stdout")
		xz.Stdin = strings.NewReader(index)
		if forms["xz"], err = xz.Output(); err != nil {
			t.Fatal(err)
		}
	} else {
		exectest.Program(t, "xz")
	}
	for form, body := range forms {
		f := fetched(t, body, nil)
		if got := owners(f, "bash"); got != "m@example.org:maintainer a@example.org:uploader c@example.org:uploader" {
			t.Errorf("%s: owners of bash %q", form, got)
		}
	}
}

// TestSample reads the sample of an index: names with commas and brackets, folds by tabs, fields in any case, what
// looks like a field within a description, several versions, a broken address.
func TestSample(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "cases", "identity", "debian-Sources"))
	if err != nil {
		t.Skipf("the samples are not there: %v", err)
	}
	f := fetched(t, body, func(s *Settings) { s.Teams = map[string]string{"Team+Lantern@Tracker.example.org": "lantern"} })
	for pkg, want := range map[string]string{
		"amberlight":        "@lantern:maintainer asperan@example.org:uploader bolko@example.org:uploader",
		"birch":             "wcorrow@example.org:maintainer :uploader",
		"cobalt-icon-theme": ":maintainer :uploader",
		"dunlin": "pkg-dunlin-devel@alioth-lists.example.org:maintainer freja@example.org:uploader " +
			"ezra@example.org:uploader citra@example.org:uploader",
		"emberdb":    "emberdb@packages.example.org:maintainer bolko@example.org:uploader",
		"fennel3.12": "citra@example.org:maintainer gudrun@example.org:uploader gruen@example.org:uploader",
		"harrow":     "watanabe@example.org:maintainer ines@example.org:uploader asperan@example.org:uploader",
		"ibis":       ":maintainer :uploader",
		"libmoss": "moss@lists.example.org:maintainer dara1@example.org:uploader dara2@example.org:uploader " +
			"dara3@example.org:uploader",
	} {
		if got := owners(f, pkg); got != want {
			t.Errorf("%s: %q, want %q", pkg, got, want)
		}
	}
	if len(f.Packages) != 9 {
		t.Errorf("%d packages", len(f.Packages))
	}
	accounts := &directory.Facts{Accounts: map[string]string{"asperan@example.org": "asta"}}
	s := directory.Merge(directory.Policy{}, directory.Part{Facts: f}, directory.Part{Facts: accounts})
	if got := s.Packages("asta"); !slices.Equal(got, []string{"amberlight", "harrow"}) {
		t.Errorf("the account of an address owns %q", got)
	}
}

// TestNewestVersionWins: also where the older one comes later, or is there for other packages' sake.
func TestNewestVersionWins(t *testing.T) {
	stanza := func(version, who, more string) string {
		return fmt.Sprintf("Package: p\nVersion: %s\nMaintainer: <%s@example.org>\n%s\n", version, who, more)
	}
	for _, text := range []string{
		stanza("1.9", "old", "") + stanza("1.10", "new", ""),
		stanza("1.10", "new", "") + stanza("1.9", "old", ""),
		stanza("1:0.1", "new", "") + stanza("99", "old", ""),
		stanza("2.0~rc1", "old", "") + stanza("2.0", "new", ""),
		stanza("1", "new", "") + stanza("2", "old", "Extra-Source-Only: yes\n"),
	} {
		if got := owners(fetched(t, []byte(text), nil), "p"); !strings.HasPrefix(got, "new@") {
			t.Errorf("%q\nis maintained by %q", text, got)
		}
	}
}

// TestVersions: each is older than the next. The list is that of dpkg's own order.
func TestVersions(t *testing.T) {
	for _, line := range []string{
		"1.0~~ 1.0~~a 1.0~ 1.0 1.0a 1.0+b 1.0.1", "0 0a 0:1 1:0", "1-1 1-1.1 1-2 1-10 1.0-0", "2.4 2.4.1 2.04.2 2.5",
		"1.0-1~bpo1 1.0-1 1.0-1+b1", "9 10 010.1 11", "1a 1b 1+", "99999999999999999999 100000000000000000000",
	} {
		versions := strings.Fields(line)
		for i := range len(versions) - 1 {
			a, b := versions[i], versions[i+1]
			if compare(a, b) != -1 || compare(b, a) != 1 || compare(a, a) != 0 {
				t.Errorf("%s and %s: %d and %d", a, b, compare(a, b), compare(b, a))
			}
		}
	}
	if program, err := exec.LookPath("dpkg"); err == nil {
		all := strings.Fields("1.0~~ 1.0~ 1.0 1.0a 1.0+b 1.0.1 1-1 1-1.1 1:0 0.1 2.04 2.4 1.0-1~bpo1 1.0-1+b1 1.0-1 1.0-01")
		for _, a := range all {
			for _, b := range all {
				older := exec.Command(program, "--compare-versions", a, "lt", b).Run() == nil
				if older != (compare(a, b) < 0) {
					t.Errorf("%s is older than %s: %v; dpkg says %v", a, b, !older, older)
				}
			}
		}
	}
}

func TestAddresses(t *testing.T) {
	for list, want := range map[string]string{
		`A. Powell, IV <a@x.org>`:               "a@x.org",
		`"Öst, Freja" <f@x.org>, E <e@x.org>,`:  "f@x.org e@x.org",
		`g@x.org, G W [intern] <w@x.org>`:       "g@x.org w@x.org",
		`C (team lead) <c@x.org>`:               "c@x.org",
		`, ,`:                                   "",
		`Ibis <i@example`:                       "",
		`Ibis <i@example.org`:                   "i@example.org",
		`a@x.org,b@x.org`:                       "a@x.org b@x.org",
		`"b@x.org, x" <c@x.org>`:                "c@x.org",
		`渡辺 例 <w@x.org>  ,  Ines O'B <i@x.org>`: "w@x.org i@x.org",
		`X <x@x.org> , Y <y@x.org>`:             "x@x.org y@x.org",
		`<a@b@c.org>`:                           "",
		``:                                      "",
		strings.Repeat("a", 300) + "@x.org, <" + "b@x.o>": "b@x.o",
	} {
		if got := strings.Join(addresses(list), " "); got != want {
			t.Errorf("%.60q: %q, want %q", list, got, want)
		}
	}
}

// FuzzStanzas: whatever comes, reading ends without a panic, and what is kept is within its bounds.
func FuzzStanzas(f *testing.F) {
	f.Add([]byte(index))
	f.Add([]byte("Package: p\nDescription: x\n Maintainer: not a field\n .\n\tx\n# c\n\n\n:\n a\n"))
	f.Add([]byte("Uploaders:\n a@b.c,\n\td@e.f\r\n\r\nMaintainer"))
	f.Fuzz(func(t *testing.T, text []byte) {
		err := stanzas(bytes.NewReader(text), func(s stanza, _ error) {
			if len(s.uploaders) > maxField || strings.ContainsAny(s.uploaders+s.pkg, "\n") {
				t.Errorf("%q is kept", s.uploaders)
			}
			for _, a := range addresses(s.maintainer + "," + s.uploaders) {
				if !isAddress(a) || a != strings.TrimSpace(a) {
					t.Errorf("the address %q", a)
				}
			}
			if compare(s.version, s.version) != 0 {
				t.Errorf("the version %q differs from itself", s.version)
			}
		})
		if err != nil && len(text) < maxLine {
			t.Error(err)
		}
	})
}
