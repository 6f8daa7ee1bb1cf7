package catalogue

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

const forge = `
app: forge
vars:
  b: default(msg.body, msg)
entries:
  - topic: forge.push
    kind: forge.push
    name: Pushes
    summary: '{{person .b.sender}} pushed'
    actor: default(account(msg.agent), login(b.sender))
    users: map(b.people, login(#))
`

// TestForgeLogins: the login at a forge is an account by the map, by what the site says, or where the forge's own
// messages stand on the bus; behind a bridge from elsewhere it is none.
func TestForgeLogins(t *testing.T) {
	const inner = `{"sender": {"login": "ally"}, "people": [{"login": "carol"}, {"login": "acme", "type": "Organization"}]}`
	const bridged = `{"body": ` + inner + `, "headers": {}, "agent": null}`
	accounts := map[string]string{"forge:ally": "alice", "ally": "another"}
	for _, c := range []struct {
		name, accounts, root, body string
		known                      map[string]string
		actor, users, summary      string
	}{
		{"direct", "", "org.example", inner, nil, "ally", "ally carol", "ally pushed"},
		{"direct, with the map", "", "org.example", inner, accounts, "alice", "alice carol", "alice pushed"},
		{"bridged", "", "org.example", bridged, nil, "", "", "ally pushed"},
		{"bridged, with the map", "", "org.example", bridged, accounts, "alice", "alice", "alice pushed"},
		{"bridged, same", "accounts: same", "org.example", bridged, nil, "ally", "ally carol", "ally pushed"},
		{"bridged, same there", "accounts: [org.example]", "org.example", bridged, nil, "ally", "ally carol", "ally pushed"},
		{"bridged, same elsewhere", "accounts: [org.example]", "com.example", bridged, nil, "", "", "ally pushed"},
		{"the bridge knows", "", "org.example", strings.Replace(bridged, "null", `"bob"`, 1), nil, "bob", "bob",
			"ally pushed"},
		{"flat", "", "org.example", `{"sender": "ally", "people": "carol"}`, nil, "ally", "ally carol", "ally pushed"},
		{"a program", "", "org.example", `{"sender": {"login": "tea[bot]", "type": "Bot"}}`, nil, "", "", "tea[bot] pushed"},
		{"nobody", "accounts: same", "org.example", `{"sender": {"login": "root"}}`, nil, "", "", "root pushed"},
		{"an account called root", "accounts: same", "org.example", `{"sender": {"login": "root"}}`,
			map[string]string{"root": "root"}, "root", "root", "root pushed"},
	} {
		catalogue := loadSite(t, forge+c.accounts+"\n").WithAccounts(c.known)
		e := catalogue.Describe(&bus.Message{Topic: c.root + ".prod.forge.push", Body: body(t, c.body)})
		if users := strings.Join(e.Users, " "); e.Actor != c.actor || users != c.users || e.Prose().Summary != c.summary {
			t.Errorf("%s: actor %q, users %q: %q", c.name, e.Actor, users, e.Prose().Summary)
		}
	}
}

// TestSiteSaysWhoseAccounts: a site's file says of an application built in that its accounts are the community's.
func TestSiteSaysWhoseAccounts(t *testing.T) {
	m := &bus.Message{Topic: "org.example.prod.gitea.push", Body: body(t, `{"agent": null, "headers": {}, "body": {
		"ref": "refs/heads/main", "commits": [{}], "repository": {"full_name": "acme/tea"}, "sender": {"login": "alice"}}}`)}
	if e := embeddedCatalogue(t).Describe(m); e.Actor != "" {
		t.Errorf("built in: actor %q", e.Actor)
	}
	c := loadSite(t, "app: gitea\naccounts: same\nentries: []\n")
	if same := c.appNamed("gitea").same("org.example"); !same {
		t.Error("the site's word does not count")
	}
}

// TestAddressesOfTheCommunity: an address below the domain of the message's root is the account of that name.
func TestAddressesOfTheCommunity(t *testing.T) {
	c := loadSite(t, `
app: shop
entries:
  - {topic: shop.sold, kind: shop.sold, name: Sold, summary: 'Sold by {{person .msg.by}}', users: account(msg.by)}
`)
	for topic, want := range map[string]string{"org.example.prod.shop.sold": "alice", "com.example.prod.shop.sold": ""} {
		e := c.Describe(&bus.Message{Topic: topic, Body: map[string]any{"by": "Alice A <alice@example.org>"}})
		if got := strings.Join(e.Users, " "); got != want || e.Prose().Summary != "Sold by Alice A" {
			t.Errorf("%s: users %q: %q", topic, got, e.Prose().Summary)
		}
	}
}

// TestVariablesMayBeCalledAsFunctions: name, url and login are words that entries used before there were functions of
// that name.
func TestVariablesMayBeCalledAsFunctions(t *testing.T) {
	c := loadSite(t, `
app: shop
vars: {name: name(msg.tea), url: url(msg), login: login(msg.by)}
entries:
  - {topic: 'shop.{what}', kind: shop.sold, name: Sold, summary: '{{name .msg.tea}} {{.name}} {{.login}}', link: '{{.url}}'}
`)
	e := c.Describe(&bus.Message{Topic: "org.example.prod.shop.sold", Body: body(t,
		`{"tea": {"title": "Green"}, "by": "bob", "url": "https://example.org/1"}`)})
	if p := e.Prose(); p.Summary != "Green Green bob" || p.Link != "https://example.org/1" {
		t.Errorf("%+v", p)
	}
}
