package catalogue

import (
	"strings"
	"testing"
)

const goodEntry = `
entries:
  - topic: shop.sold
    kind: shop.sold
    name: Sold
    summary: sold
`

// TestMistakesTellWhereAndWhat is the list of what a person can get wrong in a file.
func TestMistakesTellWhereAndWhat(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key": {"app: shop\ntitel: x" + goodEntry,
			`f.yaml:2:1: application: unknown key "titel"; want one of app, title, icon, keyword, accounts, hosts, like, roots, pages, tables, vars, phase, author, assigned, mentioned, watchers, entries`},
		"key twice":        {"app: shop\napp: shop" + goodEntry, `f.yaml:2:`},
		"no app":           {"title: x" + goodEntry, `app: want a name of small letters, digits, _ and -, not ""`},
		"bad app":          {"app: My Shop" + goodEntry, `f.yaml:1:6: app: want a name`},
		"bad icon":         {"app: shop\nicon: x.png" + goodEntry, `f.yaml:2:7: icon: want an absolute http or https URL`},
		"entries no list":  {"app: shop\nentries: 3", `f.yaml:2:10: entries: want a list`},
		"no kind":          {"app: shop\nentries:\n  - topic: a\n    name: x\n    summary: x", `entry: kind is missing`},
		"list for one":     {"app: shop" + goodEntry + "    icon: [a]", `icon: want a single value; this is a list`},
		"like nothing":     {"app: shop\nlike: nowhere" + goodEntry, `f.yaml:2:7: like: no application "nowhere" in the catalogue`},
		"like itself":      {"app: shop\nlike: shop" + goodEntry, `like: shop has no entries of its own to use`},
		"bad root":         {"app: shop\nroots: [a..b]" + goodEntry, `f.yaml:2:9: roots: want words with dots between them, not "a..b"`},
		"bad keyword":      {"app: shop" + goodEntry + "    keyword: parties", `keyword: unknown keyword "parties": want one of build`},
		"bad host":         {"app: shop\nhosts: {a/b: c}" + goodEntry, `f.yaml:2:14: hosts: want host names`},
		"null":             {"app: shop" + goodEntry + "    link:", `link: want a single value; this is empty`},
		"bad expression":   {"app: shop" + goodEntry + "    users: msg.", `f.yaml:7:12: users: `},
		"unknown variable": {"app: shop" + goodEntry + "    users: seller", `f.yaml:7:12: users: unknown name seller`},
		"unknown function": {"app: shop" + goodEntry + "    users: lowr(msg.x)", `users: unknown name lowr`},
		"bad pattern":      {"app: shop" + goodEntry + "    users: capture(msg.x, '(')", `users: error parsing regexp`},
		"bad template":     {"app: shop" + goodEntry + "    link: '{{.msg'", `f.yaml:7:11: link: `},
		"unknown in link": {"app: shop" + goodEntry + "    link: '{{.seller}}'",
			`f.yaml:7:11: link: unknown name seller; there are `},
		"bad severity": {"app: shop" + goodEntry + "    severity: loud", `f.yaml:7:15: severity: unknown name loud`},
		"bad topic": {"app: shop\nentries:\n  - {topic: 'shop.{a', kind: k, name: n, summary: s}",
			`f.yaml:3:13: topic "shop.{a": "{a" is no capture`},
		"topic of any app": {"app: shop\nentries:\n  - {topic: '{a}.b', kind: k, name: n, summary: s}",
			`the first word is the application`},
		"capture twice": {"app: shop\nentries:\n  - {topic: 'shop.{a}.{a}', kind: k, name: n, summary: s}",
			`captures a twice`},
		"uneven captures": {"app: shop\nentries:\n  - {topic: ['shop.{a}', shop.b], kind: k, name: n, summary: s}",
			`must capture the same names`},
		"given name": {"app: shop\nvars: {msg: '1'}" + goodEntry,
			`f.yaml:2:13: "msg" is a name that every expression knows already`},
		"accounts": {"app: shop\naccounts: [same, org.example]" + goodEntry,
			`f.yaml:2:12: accounts: want same, or roots of topics such as org.example, not "same"`},
		"function as name": {"app: shop\nvars: {lower: '1'}" + goodEntry, `"lower" is a function's name`},
		"bad name":         {"app: shop\nvars: {a-b: '1'}" + goodEntry, `"a-b" is no name`},
		"ring":             {"app: shop\nvars: {a: b, b: a}" + goodEntry, `vars: a needs itself`},
		"kind twice": {"app: shop" + goodEntry + "  - {topic: shop.x, kind: shop.sold, name: n, summary: s}",
			`f.yaml:7:27: kind shop.sold is there already, at f.yaml:3`},
		"kind of others": {"app: shop\nentries:\n  - {topic: shop.x, kind: git.receive, name: n, summary: s}",
			`kind git.receive is there already`},
		"not YAML":           {"app: [shop", `not YAML`},
		"tab":                {"app: shop\n\tx: y", `f.yaml:2:1: not YAML`},
		"empty":              {"", `f.yaml: file is empty`},
		"two documents":      {"app: shop" + goodEntry + "---\napp: b\n", `f.yaml:8:1: a second document begins here`},
		"alias":              {"app: &a shop\ntitle: *a" + goodEntry, `want a single value`},
		"brackets":           {"app: " + strings.Repeat("[", 500), `nested too deeply`},
		"big":                {strings.Repeat("# comment\n", 120_000), `at most 1048576`},
		"scalar for entries": {"app: shop\nentries:\n  - shop", `entry: want a mapping with the keys`},
	} {
		_, err := Load(site(map[string]string{"f.yaml": c.text}))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v\n   want %q in it", name, err, c.want)
		}
	}
}

func TestSitesOverrideByKindAndName(t *testing.T) {
	c := loadSite(t, `
app: git
title: Sources
vars: {repo: '"the " + msg.commit.repo'}
entries:
  - {topic: git.receive, when: msg.commit.branch == "main", kind: git.main, name: Main, summary: 'main of {{.repo}}'}
  - {topic: git.branch, kind: git.branch, name: Branches, summary: 'branch of {{.repo}}'}
`)
	seen := map[string]MessageKind{}
	for _, k := range c.Kinds() {
		seen[k.Kind] = k
	}
	if k := seen["git.branch"]; k.Name != "Branches" || k.AppTitle != "Sources" || len(k.Classic) != 0 {
		t.Errorf("git.branch is %+v", k)
	}
	if k := seen["git.receive"]; k.Name != "Commits to package sources" || k.App != "git" ||
		strings.Join(k.Classic, "") != "git_receive" {
		t.Errorf("git.receive is %+v", k)
	}
	if seen["git.main"].Kind == "" || seen["bodhi.update.comment"].Kind == "" {
		t.Error("an entry is missing")
	}
}

func TestTwoFilesForOneApplication(t *testing.T) {
	_, err := Load(site(map[string]string{"a.yaml": "app: shop" + goodEntry, "b.yaml": "app: shop\nentries: []"}))
	if err == nil || !strings.Contains(err.Error(), "b.yaml:1:6: application shop is in a.yaml already") {
		t.Errorf("got %v", err)
	}
}

func TestEmbeddedCatalogueIsClean(t *testing.T) {
	for _, problem := range Check(nil) {
		t.Error(problem)
	}
}

func TestAppsAreSortedAndComplete(t *testing.T) {
	apps := embeddedCatalogue(t).Apps()
	for i, a := range apps {
		if i > 0 && apps[i-1].Name >= a.Name {
			t.Errorf("%s stands before %s", apps[i-1].Name, a.Name)
		}
		if a.Title == "" || len(a.Kinds) == 0 {
			t.Errorf("%+v lacks a title or kinds", a)
		}
		for _, k := range a.Kinds {
			if k.App != a.Name || !strings.HasPrefix(k.Kind, a.Name+".") || strings.HasSuffix(k.Name, ".") {
				t.Errorf("%+v: want kinds of %s to begin with it", k, a.Name)
			}
		}
	}
}
