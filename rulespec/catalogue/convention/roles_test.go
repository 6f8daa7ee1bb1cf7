package convention_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

func TestMentionsAreReadAsForgesReadThem(t *testing.T) {
	same := &values.Accounts{Same: true}
	for text, want := range map[string]string{
		"@bob look":                                  "bob",
		"Thanks, @bob. And (@carol), @dave-2!":       "bob carol dave-2",
		"@bob's kettle, \"@carol\" and @dave_":       "bob carol dave",
		"bob@example.org <bob@example.org>":          "",
		"https://example.org/@bob x.y/@carol":        "",
		"@acme/tea and @bob/":                        "bob",
		"`@code` and ``a ` @code`` but @bob":         "bob",
		"a ` b @bob":                                 "bob",
		"```\n@code\n```\n@bob\n~~~~ sh\n@code\n~~~": "bob",
		"> ```\n> @code\n> ```\n> @bob":              "bob",
		"text\n\n    @code\n\n@bob":                  "bob",
		"text\n    @bob":                             "bob",
		"\t@code\n@bob":                              "bob",
		"<!-- @code --> @bob <!-- @code":             "bob",
		"[@bob](https://example.org/bob) @carol":     "carol",
		"@@bob @ bob @-bob é@bob @bobé \\@bob":       "",
		"@Bob":                                       "Bob bob",
		"@bob@example.org":                           "",
		"@" + strings.Repeat("b", 70):                "",
	} {
		got := convention.AppendMentioned(nil, text, same)
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if many := strings.Repeat("@bob ", 20000); len(convention.AppendMentioned(nil, many, same)) > 100 {
		t.Error("no bound on mentions")
	}
}

// TestMentionsAreAccounts holds mentions to the map: whoever has that login at a forge need not be our bob.
func TestMentionsAreAccounts(t *testing.T) {
	forge := &values.Accounts{App: "github", Map: map[string]string{"github:bob-gh": "bob"}}
	if got := convention.AppendMentioned(nil, "@bob-gh @carol", forge); !slices.Equal(got, []string{"bob"}) {
		t.Errorf("got %q", got)
	}
}

func TestRolesByConvention(t *testing.T) {
	for _, x := range []struct{ topic, body, want string }{
		{"forge.issue.opened", `{"action":"opened","issue":{"number":1,"user":{"login":"alice"},"assignees":[{"login":"bob"}],"body":"@carol look"},"sender":{"login":"alice"}}`,
			"alice|bob|carol|"},
		{"forge.issue.labeled", `{"action":"labeled","issue":{"number":1,"user":{"login":"alice"},"body":"@carol look"},"sender":{"login":"dave"}}`,
			"alice|||"},
		{"forge.issue.comment", `{"action":"created","issue":{"number":1,"user":{"login":"alice"},"body":"@carol look"},"comment":{"body":"@dave too","user":{"login":"bob"}}}`,
			"alice||dave|"},
		{"desk.ticket.update", `{"ticket":{"id":7,"reporter":"alice","assigned_to":"bob","cc":["carol","dave@elsewhere.example"]}}`,
			"alice|bob||carol"},
		{"tea.post", `{"author":"alice","text":"hello @bob"}`, "alice||bob|"},
		{"tea.broken", `{"author":7,"cc":"null","issue":[],"comment":{"body":{"a":"@bob"}},"assignee":{"login":null}}`, "|||"},
		{"tea.plain", `"@bob"`, "|||"},
	} {
		accounts := &values.Accounts{App: "forge", Same: true}
		every := func(string) bool { return true }
		found := convention.RolesOf(strings.Split(x.topic, "."), decode(t, x.body), accounts, every)
		var got []string
		for _, role := range []string{"author", "assigned", "mentioned", "watchers"} {
			got = append(got, strings.Join(found[role], " "))
		}
		if strings.Join(got, "|") != x.want {
			t.Errorf("%s %s\n   got  %q\n   want %q", x.topic, x.body, strings.Join(got, "|"), x.want)
		}
	}
}

func TestPhaseByConvention(t *testing.T) {
	for _, x := range []struct{ topic, body, want string }{
		{"kettle.build.started", `{}`, "started"},
		{"kettle.build.failed", `{}`, "finished"},
		{"kettle.build", `{"status":"running"}`, "started"},
		{"kettle.build", `{"result":"success"}`, "finished"},
		{"kettle.build", `{"status":"queued"}`, ""},
		{"kettle.issue.closed", `{"issue":{"number":3}}`, "solved"},
		{"kettle.issue.reopened", `{"issue":{"number":3}}`, "reopened"},
		{"kettle.issue.edited", `{"issue":{"number":3,"state":"closed"}}`, ""},
		{"kettle.issue.changed", `{"issue":{"number":3},"new_status":"Resolved"}`, "solved"},
		{"kettle.issue.comment.created", `{"issue":{"number":3},"comment":{"body":"closed it"}}`, ""},
		{"kettle.pull_request.merged", `{"pull_request":{"number":3}}`, "solved"},
		{"kettle.poured", `{}`, ""},
	} {
		if got := convention.Read(strings.Split(x.topic, "."), decode(t, x.body)).Phase(); got != x.want {
			t.Errorf("%s %s: got %q, want %q", x.topic, x.body, got, x.want)
		}
	}
}
