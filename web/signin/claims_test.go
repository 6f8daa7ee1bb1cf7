package signin_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/notifyd/notifyd/web/signin"
)

// TestClaims are the shapes in which providers write who somebody is. Claims are in JSON; null: it is missing.
func TestClaims(t *testing.T) {
	type want struct {
		name, mail string
		groups     []string
		known      bool
	}
	for name, c := range map[string]struct {
		claims string
		want   want
	}{
		"groups as an array":      {`{"groups": ["b", "a", "b"]}`, want{"alice", "alice@example.org", []string{"a", "b"}, true}},
		"groups as a text":        {`{"groups": "a"}`, want{"alice", "alice@example.org", []string{"a"}, true}},
		"groups as objects":       {`{"groups": [{"name": "a", "id": 1}]}`, want{"alice", "alice@example.org", []string{"a"}, true}},
		"groups as paths":         {`{"groups": ["/team/qa", "/a"]}`, want{"alice", "alice@example.org", []string{"a", "team/qa"}, true}},
		"groups empty":            {`{"groups": []}`, want{"alice", "alice@example.org", nil, true}},
		"groups absent":           {`{"groups": null}`, want{"alice", "alice@example.org", nil, true}},
		"groups of odd things":    {`{"groups": [1]}`, want{"alice", "alice@example.org", nil, false}},
		"groups as a number":      {`{"groups": 5}`, want{"alice", "alice@example.org", nil, false}},
		"objects without a name":  {`{"groups": [{"id": 1}]}`, want{"alice", "alice@example.org", nil, false}},
		"overage with a source":   {`{"groups": null, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "http://127.0.0.1:1/"}}}`, want{"alice", "alice@example.org", nil, false}},
		"overage without source":  {`{"groups": null, "_claim_names": {"groups": "src1"}}`, want{"alice", "alice@example.org", nil, false}},
		"overage, empty source":   {`{"groups": null, "_claim_names": {"groups": ""}}`, want{"alice", "alice@example.org", nil, false}},
		"overage of another":      {`{"groups": ["a"], "_claim_names": {"roles": "src1"}}`, want{"alice", "alice@example.org", []string{"a"}, true}},
		"hasgroups":               {`{"groups": null, "hasgroups": true}`, want{"alice", "alice@example.org", nil, false}},
		"hasgroups as a text":     {`{"groups": null, "hasgroups": "true"}`, want{"alice", "alice@example.org", nil, false}},
		"no name":                 {`{"preferred_username": null}`, want{"", "alice@example.org", []string{"packager", "qa"}, true}},
		"an empty name":           {`{"preferred_username": " "}`, want{"", "alice@example.org", []string{"packager", "qa"}, true}},
		"a name of several lines": {`{"preferred_username": "a\nb"}`, want{"", "alice@example.org", []string{"packager", "qa"}, true}},
		"a name that is a list":   {`{"preferred_username": ["alice"]}`, want{"", "alice@example.org", []string{"packager", "qa"}, true}},
		"mail not verified":       {`{"email_verified": false}`, want{"alice", "", []string{"packager", "qa"}, true}},
		"mail not said verified":  {`{"email_verified": null}`, want{"alice", "", []string{"packager", "qa"}, true}},
		"mail verified as text":   {`{"email_verified": "true"}`, want{"alice", "alice@example.org", []string{"packager", "qa"}, true}},
		"mail verified otherwise": {`{"email_verified": 1}`, want{"alice", "", []string{"packager", "qa"}, true}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if err := json.Unmarshal([]byte(c.claims), &b.provider.claims); err != nil {
				t.Fatal(err)
			}
			id, err := b.signIn()
			if err != nil {
				t.Fatal(err)
			}
			got := want{id.Name, id.Mail, id.Groups, id.GroupsKnown}
			if got.name != c.want.name || got.mail != c.want.mail || !slices.Equal(got.groups, c.want.groups) ||
				got.known != c.want.known {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestClaimsInObjects(t *testing.T) {
	b := newBench(t, func(p *signin.Provider) {
		p.GroupsClaim, p.NameClaim = "realm_access.roles", "https://example.org/name"
	})
	b.provider.claims["realm_access"] = map[string]any{"roles": []string{"/a"}}
	b.provider.claims["https://example.org/name"] = "alice"
	if id, err := b.signIn(); err != nil || id.Name != "alice" || !slices.Equal(id.Groups, []string{"a"}) {
		t.Errorf("%+v, %v", id, err)
	}
	b = newBench(t, func(p *signin.Provider) { p.GroupsClaim, p.NameClaim = signin.NoClaim, signin.NoClaim })
	b.provider.claims["none"] = "carol"
	if id, err := b.signIn(); err != nil || id.Groups != nil || id.GroupsKnown || id.Name != "" {
		t.Errorf("%+v, %v", id, err)
	}
}

// TestDisabledByAClaim: a provider can say that somebody may be in no more; a claim that is missing says nothing.
func TestDisabledByAClaim(t *testing.T) {
	change := func(p *signin.Provider) {
		p.Require, p.Refuse = map[string]string{"groups": "packager"}, map[string]string{"locked": "true"}
	}
	for name, c := range map[string]struct {
		claim    string
		value    any
		disabled string
	}{
		"may be in":           {"locked", false, ""},
		"locked":              {"locked", true, "Fedora says locked: true"},
		"locked as a text":    {"locked", "true", "Fedora says locked: true"},
		"not in the group":    {"groups", []string{"qa"}, "Fedora does not say groups: packager"},
		"in the group's path": {"groups", []string{"/packager"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, change)
			b.provider.claims[c.claim] = c.value
			if id, err := b.signIn(); err != nil || id.Disabled != c.disabled {
				t.Errorf("%q, %v; want %q", id.Disabled, err, c.disabled)
			}
		})
	}
	b := newBench(t, change)
	b.provider.claims["groups"] = nil
	_, err := b.signIn()
	b.refused(err, http.StatusForbidden, "claim groups")
}
