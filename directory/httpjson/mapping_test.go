package httpjson_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/httpjson"
)

// TestMapping reads the projects of Pagure's own API, page by page.
func TestMapping(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "2" {
			fmt.Fprint(w, `{"projects": [{"namespace": "rpms", "name": "zsh", "access_users": {"owner": ["orphan"]},
				"access_groups": {"commit": ["shells"]}}], "pagination": {"next": null}}`)
			return
		}
		fmt.Fprintf(w, `{"projects": [{"namespace": "rpms", "name": "bash", "access_users": {"owner": ["alice"]},
			"access_groups": {"commit": []}}, {"namespace": "container", "name": "bash", "access_users": {"owner": ["bob"]},
			"access_groups": {"commit": null}}, {"name": null}], "pagination": {"next": "http://%s/?page=2"}}`, r.Host)
	})
	s := settings("map", url)
	s.Pages, s.Next = "next", "body.pagination.next"
	s.Map = httpjson.Mapping{Rows: "body.projects", Package: httpjson.PackageMapping{
		Name: "row.name", Namespace: "row.namespace",
		Owners: `concat(row.access_users.owner, map(row.access_groups.commit ?? [], "@" + #))`, Role: `"maintainer"`,
	}}
	snapshot := directory.Merge(directory.Policy{}, directory.Part{Facts: fetched(t, s)})
	for pkg, want := range map[string]string{"bash": "alice:maintainer", "container/bash": "bob:maintainer",
		"zsh": "@shells:maintainer"} {
		if got := ownersOf(snapshot, pkg); got != want {
			t.Errorf("owners of %s: %q, want %q", pkg, got, want)
		}
	}
}

func TestMappingOfEverything(t *testing.T) {
	s := settings("map", text(t, `{"alice": {"mail": "alice@example.org", "uid": 7, "nicks": ["irc:/ally", "irc://x"],
		"locked": true, "in": ["infra", "web"], "robot": false}, "bot": {"robot": true}}`))
	s.Map = httpjson.Mapping{
		Person: httpjson.PersonMapping{Name: "row.key", Mails: "row.value.mail", Nicks: "row.value.nicks",
			Disabled: "row.value.locked", Bot: "row.value.robot", Private: "row.value.uid == nil"},
		Account: httpjson.AccountMapping{Other: "row.value.uid", Name: "row.key"},
	}
	f := fetched(t, s)
	want := map[string]directory.Person{
		"alice": {Mails: []string{"alice@example.org"}, Nicks: []directory.Nick{{Protocol: "irc", Name: "ally"}},
			Disabled: true},
		"bot": {Mails: []string{}, Nicks: []directory.Nick{}, Bot: true, Private: true},
	}
	if !reflect.DeepEqual(f.People, want) || f.Accounts["7"] != "alice" || f.Groups != nil || f.Packages != nil {
		t.Errorf("facts %+v", f)
	}
}

// TestMappingThatDoesNotFit: what the expressions do not find where they look is an error, and no empty list.
func TestMappingThatDoesNotFit(t *testing.T) {
	groups := httpjson.Mapping{Rows: "body.groups", Group: httpjson.GroupMapping{Name: "row.name", Members: "row.members"}}
	for body, want := range map[string]string{
		`{}`:                            "map.rows: ",
		`{"groups": "none"}`:            "map.rows: ",
		`{"groups": [1]}`:               "map.group.name: ",
		`{"groups": [{"name": ["x"]}]}`: "map.group.name: ",
		`{"groups": [{"name": "x", "members": [{}]}]}`:  "map.group.members: ",
		`{"groups": [{"name": "x", "members": [1.5]}]}`: "map.group.members: ",
		`null`: "map.rows: ",
	} {
		s := settings("map", text(t, body))
		s.Map = groups
		if f, err := open(t, s).Fetch(t.Context(), nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %q", body, f, err, want)
		}
	}
	s := settings("map", text(t, `[{"name": "x"}, {"name": "y", "members": "one"}]`))
	s.Map = groups
	s.Map.Rows = ""
	if f := fetched(t, s); !reflect.DeepEqual(f.Groups, map[string][]string{"x": {}, "y": {"one"}}) {
		t.Errorf("groups %v", f.Groups)
	}
	s.Map.Rows = "map(1..1000000, {map(1..1000, {#})})"
	if f, err := open(t, s).Fetch(t.Context(), nil); err == nil {
		t.Errorf("an expression without an end gave %+v", f)
	}
}

func TestPagesInARing(t *testing.T) {
	s := settings("map", text(t, `{"rows": [], "next": "/a"}`))
	s.Map = httpjson.Mapping{Rows: "body.rows", Group: httpjson.GroupMapping{Name: "row.n", Members: "row.m"}}
	s.Pages, s.Next = "next", "body.next"
	if f, err := open(t, s).Fetch(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "ring") {
		t.Errorf("a ring of pages: %+v, %v", f, err)
	}
}
