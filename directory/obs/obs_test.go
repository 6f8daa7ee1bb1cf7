package obs

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/directorytest"
)

const password = "of our own account"

// A service answers as a build service does: what answers has, by path, with the query where there is one.
type service struct {
	answers map[string]string
	asked   []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, got, ok := r.BasicAuth(); !ok || got != password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	name := r.URL.Path
	if match := r.URL.Query().Get("match"); match != "" {
		name += "?" + match
	}
	s.asked = append(s.asked, name)
	text, known := s.answers[name]
	if !known {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `<status code="not_found"/>`)
		return
	}
	fmt.Fprint(w, `<?xml version="1.0"?>`+text)
}

func small() map[string]string {
	return map[string]string{
		"/source/site:stable/_meta": `<project name="site:stable"><person userid="Admin" role="maintainer"/></project>`,
		"/search/package?@project='site:stable'": `<collection matches="4">
			<package name="kelp" project="site:stable"><devel project="site:devel" package="kelp-ng"/>
				<person userid="zed" role="maintainer"/></package>
			<package name="moss" project="site:stable"><person userid="dora" role="reader"/></package>
			<package name="fern" project="site:stable"><devel project="site:gone"/>
				<person userid="erin" role="bugowner"/><person userid="erin" role="maintainer"/></package>
			<package name="reed" project="site:stable"><devel project="site:devel"/></package></collection>`,
		"/source/site:devel/_meta": `<project name="site:devel"><person userid="carol" role="bugowner"/>
			<person userid="dave" role="downloader"/><group groupid="reeds" role="maintainer"/></project>`,
		"/search/package?@project='site:devel'": `<collection matches="2">
			<package name="kelp-ng" project="site:devel"><description>&lt;person userid="x" role="maintainer"/&gt;</description>
				<person userid="alice" role="bugowner"/><person userid="alice" role="maintainer"/>
				<person userid="alice" role="maintainer"/><person userid="Bob_B" role="maintainer"/>
				<group groupid="lost" role="maintainer"/><group groupid="eyes" role="reviewer"/></package>
			<package name="reed" project="site:devel"/></collection>`,
		"/group/reeds": `<group><title>reeds</title><maintainer userid="alice"/>
			<person><person userid="dora"/><person userid="alice"/></person></group>`,
	}
}

func serve(t *testing.T, answers map[string]string) (*service, string) {
	s := &service{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, strings.TrimPrefix(server.URL, "http://")
}

func at(t *testing.T, address string) directory.Source {
	t.Helper()
	c := Config{"one": {URL: "http://" + address, Projects: []string{"site:stable"}}}
	c.SetDefaults()
	set := c["one"]
	set.Login.User, set.Login.Password = "notifyd", password
	s, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFetch: the people where a package is developed come first, a role that nobody holds there is the project's, the
// same person has a role once, and who only reads owns nothing.
func TestFetch(t *testing.T) {
	server, address := serve(t, small())
	facts, err := at(t, address).Fetch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	owner := func(role string, names ...string) (all []directory.Owner) {
		for _, name := range names {
			all = append(all, directory.Owner{Name: name, Role: role})
		}
		return all
	}
	for pkg, want := range map[string][]directory.Owner{
		"kelp": slices.Concat(owner(bugowner, "alice"), owner(maintainer, "alice", "Bob_B", "@lost")),
		"moss": owner(maintainer, "Admin"),
		"fern": slices.Concat(owner(bugowner, "erin"), owner(maintainer, "erin")),
		"reed": slices.Concat(owner(bugowner, "carol"), owner(maintainer, "@reeds")),
	} {
		if got := facts.Packages[pkg]; !reflect.DeepEqual(got, want) {
			t.Errorf("owners of %s: %v, want %v", pkg, got, want)
		}
	}
	if got := facts.Groups; !reflect.DeepEqual(got, map[string][]string{"reeds": {"alice", "dora"}}) {
		t.Errorf("groups %v", got)
	}
	if len(facts.Notes) != 1 || !strings.Contains(facts.Notes[0], "lost") {
		t.Errorf("notes %q", facts.Notes)
	}
	if len(server.asked) != 7 {
		t.Errorf("asked for %q", server.asked)
	}
}

// TestContract holds the source to what directory.Source promises.
func TestContract(t *testing.T) {
	bad := map[string]func(t *testing.T) directory.Source{}
	for name, change := range map[string]func(map[string]string){
		"no such project": func(a map[string]string) { delete(a, "/source/site:stable/_meta") },
		"fewer packages than it says": func(a map[string]string) {
			a["/search/package?@project='site:stable'"] = `<collection matches="2"><package name="kelp"/></collection>`
		},
		"HTML": func(a map[string]string) { a["/source/site:stable/_meta"] = "<html><body>Sign in</body></html>" },
		"HTML instead of packages": func(a map[string]string) {
			a["/search/package?@project='site:stable'"] = "<html>Sign in</html>"
		},
		"cut":         func(a map[string]string) { a["/group/reeds"] = "<group><title>reeds</title><person>" },
		"other group": func(a map[string]string) { a["/group/reeds"] = "<group><title>weeds</title></group>" },
		"two documents": func(a map[string]string) {
			a["/group/reeds"] = "<group><title>reeds</title></group><group/>"
		},
		"entities": func(a map[string]string) {
			a["/group/reeds"] = `<!DOCTYPE group [<!ENTITY a "reeds">]><group><title>&a;</title></group>`
		},
	} {
		bad[name] = func(t *testing.T) directory.Source {
			answers := small()
			change(answers)
			_, address := serve(t, answers)
			return at(t, address)
		}
	}
	directorytest.Run(t, directorytest.Kit{
		Good: func(t *testing.T) directory.Source { _, address := serve(t, small()); return at(t, address) },
		At:   at, Bad: bad, Secret: password,
	})
}

// TestSettings: what cannot be is said by its key.
func TestSettings(t *testing.T) {
	for _, test := range []struct {
		change func(*Settings)
		want   string
	}{
		{func(*Settings) {}, ""},
		{func(s *Settings) { s.Projects = nil }, "projects: is missing"},
		{func(s *Settings) { s.Projects = []string{"a'] or @project='b"} }, "is no name of a project"},
		{func(s *Settings) { s.URL = "ftp://x" }, "url:"},
		{func(s *Settings) { s.Every = time.Second }, "every:"},
		{func(s *Settings) { s.Within = time.Millisecond }, "within:"},
		{func(s *Settings) { s.MaxBytes = 1 }, "max_bytes:"},
		{func(s *Settings) { s.AtLeast = 101 }, "at_least:"},
	} {
		c := Config{"one": {URL: "https://api.example.org", Projects: []string{"site:stable"}}}
		c.SetDefaults()
		set := c["one"]
		test.change(&set)
		_, err := New(set)
		if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

// TestHandedOut reads the samples of packages, projects and groups that are handed out, where they are there.
func TestHandedOut(t *testing.T) {
	read := func(name string, into any) {
		t.Helper()
		text, err := os.ReadFile("../../../shared/cases/identity/" + name)
		if err != nil {
			t.Skip("needs ../shared/cases/identity")
		}
		if err := decode(text, into); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var pkg, project meta
	var group members
	read("obs-meta-package.xml", &pkg)
	read("obs-meta-project.xml", &project)
	read("obs-group.xml", &group)
	if got := len(pkg.owners(bugowner)) + len(pkg.owners(maintainer)); got != 4 || pkg.Devel.Project == "" {
		t.Errorf("%d owners of %+v", got, pkg)
	}
	if got := len(project.owners(bugowner)) + len(project.owners(maintainer)); got != 3 {
		t.Errorf("%d owners of %+v", got, project)
	}
	if len(group.Persons) != 2 || group.Title == "" {
		t.Errorf("%+v", group)
	}
}
