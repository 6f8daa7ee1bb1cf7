package catalogue

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPagesLeadToObjects(t *testing.T) {
	c := embeddedCatalogue(t)
	for address, want := range map[string]string{
		"https://bodhi.fedoraproject.org/updates/FEDORA-2026-0a1b2c3d4e":      "update/FEDORA-2026-0a1b2c3d4e",
		" http://bodhi.fedoraproject.org/updates/FEDORA-2026-0a1b2c3d4e/ ":    "update/FEDORA-2026-0a1b2c3d4e",
		"https://pagure.io/fork/alice/kettle/issue/7#comment-3":               "ticket/fork/alice/kettle#7",
		"https://src.fedoraproject.org/rpms/tea/pull-request/12":              "request/rpms/tea#12",
		"https://github.com/acme/tea/pull/7?diff=split":                       "github/acme/tea/7",
		"https://bugzilla.redhat.com/show_bug.cgi?x=1&id=4711#c2":             "ticket/rhbz/4711",
		"https://gitlab.example.org/kitchen/hot/tea/-/merge_requests/3":       "gitlab/kitchen/hot/tea/merge_request/3",
		"https://forge.example.org/kitchen/tea/issues/4":                      "forgejo/kitchen/tea/4 gitea/kitchen/tea/4",
		"https://copr.fedorainfracloud.org/coprs/g/cooks/kitchen/build/1234/": "copr/@cooks/kitchen/1234",
		"https://bugs.debian.org/cgi-bin/bugreport.cgi?bug=123456":            "ticket/debbugs/123456",
		"https://koji.fedoraproject.org/koji/buildinfo?buildID=7":             "", // a build is known by its NVR
		"https://example.org/":                                        "",
		"https://github.com/acme/tea":                                 "",
		"https://bugzilla.redhat.com/show_bug.cgi":                    "",
		"javascript:alert(1)":                                         "",
		"https://bodhi.fedoraproject.org/updates/%0d%0aX: y":          "",
		"https://pagure.io//issue/7":                                  "",
		"https://" + strings.Repeat("a/", 2000):                       "",
		"https://openqa.opensuse.org/tests/502":                       "openqa/502",
		"https://build.opensuse.org/request/show/42":                  "obs/request/42",
		"https://dev.azure.com/kitchen/drinks/_git/tea/pullrequest/3": "azuredevops/drinks/tea/3",
	} {
		if got := strings.Join(c.ObjectsOf(address), " "); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}

// elsewhere are kinds whose links may go to the page of another thing, or whose fixtures shorten the address.
var elsewhere = []string{"gerrit.", "zuul.", "logdetective.", "bitbucket.issue", "github.issue", "github.discussion",
	"gitlab.note"}

// TestPagesAgreeWithLinks follows the link of every fixture back to what it is about.
func TestPagesAgreeWithLinks(t *testing.T) {
	c := embeddedCatalogue(t)
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		for _, f := range readFixtures(t, file) {
			keys := c.ObjectsOf(f.Event.Link)
			goes := func(kind string) bool { return strings.HasPrefix(f.Event.Kind, kind) }
			if len(keys) == 0 || len(f.Event.Objects) == 0 || slices.ContainsFunc(elsewhere, goes) {
				continue
			}
			if !slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(f.Event.Objects, key) }) {
				t.Errorf("%s: %s leads to %q, and the message is about %q", f.Event.Kind, f.Event.Link, keys, f.Event.Objects)
			}
			found++
		}
	}
	if found < 200 {
		t.Errorf("only %d links lead back", found)
	}
}
