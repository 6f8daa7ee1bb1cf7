package catalogue

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
)

func site(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func loadSite(t *testing.T, text string) *Catalogue {
	t.Helper()
	c, err := Load(site(map[string]string{"site.yaml": text}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTheMoreDefinitePatternWins is the documented order of entries.
func TestTheMoreDefinitePatternWins(t *testing.T) {
	c := loadSite(t, `
app: shop
entries:
  - {topic: 'shop.{rest...}', kind: rest, name: x, summary: 'rest {{.rest}}'}
  - {topic: 'shop.{a}.{b}', kind: two, name: x, summary: 'two {{.a}} {{.b}}'}
  - {topic: 'shop.{a}.sold', kind: sold, name: x, summary: 'sold {{.a}}'}
  - {topic: 'shop.tea.{b=sold|drunk}', when: msg.n == 1, kind: tea.one, name: x, summary: 'one {{.b}}'}
  - {topic: 'shop.tea.{b=sold|drunk}', when: msg.n == 2, kind: tea.two, name: x, summary: 'two {{.b}}'}
  - {topic: shop, kind: shop, name: x, summary: shop}
`)
	for _, c2 := range []struct{ topic, body, kind, summary string }{
		{"shop.tea.sold", `{"n":1}`, "tea.one", "one sold"},
		{"shop.tea.drunk", `{"n":2}`, "tea.two", "two drunk"},
		{"shop.tea.sold", `{"n":3}`, "sold", "sold tea"},
		{"shop.tea.drunk", `null`, "two", "two tea drunk"},
		{"shop.tea.drunk.cold", `{}`, "rest", "rest tea.drunk.cold"},
		{"shop.tea", `{}`, "rest", "rest tea"},
		{"shop", `{}`, "shop", "shop"},
	} {
		e := c.Describe(&bus.Message{Topic: "org.example.prod." + c2.topic, Body: body(t, c2.body)})
		if e.Kind != c2.kind && strings.Count(c2.topic, ".") > 0 || e.Kind == c2.kind && e.Prose().Summary != c2.summary {
			t.Errorf("%s %s: got %s %q, want %s %q", c2.topic, c2.body, e.Kind, e.Prose().Summary, c2.kind, c2.summary)
		}
	}
}

// What a message has nothing for is counted by application and field, however much of the field it is.
func TestLeftOutIsCounted(t *testing.T) {
	c := loadSite(t, `
app: shop
entries:
  - topic: shop.sold
    kind: shop.sold
    name: Sold
    summary: '{{.msg.who}} sold {{.msg.what}}[ to {{.msg.buyer}}][: {{.msg.why}}]'
    link: ['{{.msg.page}}', 'https://shop.example.org/{{.msg.id}}']
`)
	for _, text := range []string{`{"who":"alice","what":"tea"}`, `{"who":"alice","what":"tea","id":7}`,
		`{"who":"alice","what":"tea","buyer":"bob","why":"thirst","id":7}`} {
		c.Describe(&bus.Message{Topic: "shop.sold", Body: body(t, text)}).Prose()
	}
	want := []LeftOut{{"shop", "summary", 2}, {"shop", "link", 1}}
	if got := c.LeftOut(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFailuresAreCountedNotTold(t *testing.T) {
	c := loadSite(t, `
app: shop
vars: {sum: '-msg.price'}
entries:
  - {topic: shop.sold, kind: shop.sold, name: Sold, summary: '{{.msg.pkg}} sold{{.sum}}', users: msg.who, packages: ['-msg.x', msg.pkg]}
`)
	e := c.Describe(&bus.Message{Topic: "shop.sold", Body: body(t, `{"price":"x","who":"alice","pkg":"tea","x":[]}`)})
	if p := e.Prose(); p.Summary != "tea sold" || strings.Join(e.Packages, "") != "tea" ||
		strings.Join(e.Users, "") != "alice" {
		t.Errorf("got %+v %+v", e, p)
	}
	var got []string
	for _, f := range c.Failures() {
		got = append(got, f.App+" "+f.Kind+" "+f.Field)
		if f.Count != 1 {
			t.Errorf("%+v: want 1", f)
		}
	}
	if want := "shop  vars.sum, shop shop.sold packages"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, ", "), want)
	}
}

// TestStepsAreBounded: a message that would cost too much keeps what costs little, and gets the conventional sentence.
func TestStepsAreBounded(t *testing.T) {
	c := loadSite(t, `
app: shop
entries:
  - topic: shop.sold
    when: msg.none
    kind: shop.never
    name: Never
    summary: never
  - topic: shop.sold
    kind: shop.sold
    name: Sold
    actor: msg.who
    users: [msg.who, 'map(msg.items, map(msg.items, .buyer))']
    packages: 'upper(msg.pkg)'
    objects: '"sale/" + msg.id'
    summary: '{{.msg.who}} sold {{range .msg.items}}{{.name}}{{end}}'
    link: 'https://shop.example.org/{{.msg.id}}'
    group: ['msg.who']
`)
	items := make([]any, 1000)
	for i := range items {
		items[i] = map[string]any{"name": "tea", "buyer": "bob"}
	}
	m := &bus.Message{Topic: "shop.sold", Body: map[string]any{"who": "alice", "pkg": "tea", "id": "7"}}
	if e := c.Describe(m); e.Prose().Summary != "alice sold" || e.Prose().Link == "" || len(e.Packages) != 1 {
		t.Errorf("a small message: %+v %+v", e, e.Prose())
	}
	m.Body.(map[string]any)["items"] = items
	e := c.Describe(m)
	p, d := e.Prose(), e.Digest()
	if e.Kind != "shop.sold" || e.Actor != "alice" || !slices.Equal(e.Users, []string{"alice"}) ||
		len(e.Packages)+len(e.Objects) != 0 || !slices.Equal(d.Keys, []string{"alice"}) {
		t.Errorf("got %+v, digest %+v", e, d)
	}
	if p.Summary != "shop sold by alice" || p.Link != "" {
		t.Errorf("got %+v", p)
	}
	var failed []string
	for _, f := range c.Failures() {
		failed = append(failed, f.Field)
	}
	if got := strings.Join(failed, " "); got != "users packages objects summary link" {
		t.Errorf("failures of %s", got)
	}
}

func TestUnknownTopicsAreReadable(t *testing.T) {
	c := embeddedCatalogue(t)
	for _, x := range []struct{ line, want string }{
		{`{"topic":"org.example.prod.kettle.boiled","msg":{"agent":"alice","package":"tea","url":"https://example.org/1","status":"hot"}}`,
			`kettle.unknown|kettle.boiled|kettle boiled by alice: tea (hot)|https://example.org/1|alice|alice|tea`},
		{`{"topic":"org.example.prod.kettle.boiled","msg":{"kettle":{"owner":{"name":"bob"},"packages":["tea","cup"]},"user":"https://id.example.org/openid/id/alice/"}}`,
			`kettle.unknown|kettle.boiled|kettle boiled by alice: cup, tea||alice|alice,bob|cup,tea`},
		{`{"topic":"kettle.boiled","headers":{"fedora_messaging_user_carol":true,"fedora_messaging_rpm_tea":true,"fedora_messaging_severity":40},"body":{"agent":"alice","package":"x"}}`,
			`kettle.unknown|kettle.boiled|kettle boiled by alice: tea||alice|alice,carol|tea`},
		{`{"topic":"Kettle!.x","msg":[1,2]}`, `unknown.unknown|Kettle!.x|Kettle! x: 1 and 2||||`},
		{`{"topic":"org.example.prod.kettle.boiled","msg":null}`, `kettle.unknown|kettle.boiled|kettle boiled||||`},
		{`{"topic":"org.example.prod.kettle.boiled","msg":{"user":{"deep":{"name":"x"}},"url":"javascript:x","packages":{"a":1},"name":"a\nb"}}`,
			`kettle.unknown|kettle.boiled|kettle boiled by x: a b||x|x|`},
		{`{"topic":"kettle.boiled","body":{"agent":"alice@fedoraproject.org","owner":"dave@example.org","user":{"login":"alice-forge"},"repository":{"owner":{"name":"eve"},"full_name":"kitchen/tea"}}}`,
			`kettle.unknown|kettle.boiled|kettle boiled by alice in kitchen/tea||alice|alice,alice-forge|`},
		{`{"topic":"kettle.boiled","body":{"body":{"user":{"name":"alice-forge"},"html_url":"https://example.org/1"},"headers":{},"agent":"alice"}}`,
			`kettle.unknown|kettle.boiled|kettle boiled by alice|https://example.org/1|alice|alice|`},
		{`{"topic":"kettle.boiled","msg":{"update":{"builds":[{"nvr":"tea-1-1"},{"nvr":"green-tea-2-1.fc45"}],"user":{"name":"orphan"}}}}`,
			`kettle.unknown|kettle.boiled|kettle boiled: tea-1-1 and green-tea-2-1.fc45||||green-tea,tea`},
		{`{"topic":"kettle.boiled","msg":{"name":"tea","version":"1","release":"2","owner":"bob"}}`,
			`kettle.unknown|kettle.boiled|kettle boiled: tea-1-2|||bob|tea`},
		{`{"topic":"kettle.boiled","msg":{"message":{"agent":"http://alice.id.fedoraproject.org/","packages":[{"distro":"Fedora","package_name":"tea"},{"distro":"Arch","package_name":"cha"}]}}}`,
			`kettle.unknown|kettle.boiled|kettle boiled by alice: tea||alice|alice|tea`},
		{`{"topic":"kettle.boiled","msg":{"bug":{"component":{"name":"tea"}},"commit":{"repo":"cup","namespace":"rpms"}}}`,
			`kettle.unknown|kettle.boiled|kettle boiled: cup, tea in rpms/cup||||cup,tea`},
		{`{"topic":"kettle.boiled","msg":{"Source":"tea","Version":"1-1","commit":{"repo":"cup","namespace":"modules"}}}`,
			`kettle.unknown|kettle.boiled|kettle boiled: tea 1-1 in modules/cup||||tea`},
		{`{"topic":"summershum.boiled","msg":{}}`, `summershum.unknown|summershum.boiled|summershum boiled||||`},
	} {
		m, err := bus.DecodeLine([]byte(x.line), time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		e := c.Describe(m)
		got := strings.Join([]string{e.Kind, e.Title, e.Prose().Summary, e.Prose().Link, e.Actor, strings.Join(e.Users, ","),
			strings.Join(e.Packages, ",")}, "|")
		if got != x.want {
			t.Errorf("%s\n   got  %s\n   want %s", x.line, got, x.want)
		}
	}
}

// TestEntriesSurviveAnything gives every entry bodies it was not made for.
func TestEntriesSurviveAnything(t *testing.T) {
	c := embeddedCatalogue(t)
	bodies := []any{nil, "text", body(t, `[]`), body(t, `{}`), body(t, `[{"a":1}]`), body(t, `12`), true,
		body(t, `{"msg":[],"commit":"x","update":[],"comment":7,"project":null,"issue":"x","builds":{},"user":[1],"agent":{"name":{}}}`)}
	for _, a := range c.apps {
		for _, e := range a.entries {
			topic := strings.NewReplacer("...}", "}", "{", "", "}", "", "=", "", "|", "").Replace(e.patterns[0].Text)
			for _, b := range bodies {
				event := c.Describe(&bus.Message{Topic: "org.example.prod." + topic, Body: b})
				if event.Prose().Summary == "" {
					t.Errorf("%s with body %v: no sentence", event.Kind, b)
				}
				event.BodyText()
			}
		}
	}
}

func TestDescribeIsSafeForConcurrentUse(t *testing.T) {
	c := embeddedCatalogue(t)
	m := &bus.Message{Topic: "org.fedoraproject.prod.bodhi.update.comment",
		Body: body(t, `{"comment":{"author":"bob","update":{"title":"tea-1-1","submitter":"alice"}}}`)}
	shared := c.Describe(m)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				e := c.Describe(m)
				if e.Prose() != shared.Prose() || e.BodyText() != shared.BodyText() {
					t.Error("descriptions of one message differ")
				}
			}
		})
	}
	wait.Wait()
}

func TestAccounts(t *testing.T) {
	c := loadSite(t, `
app: shop
entries:
  - {topic: shop.sold, kind: shop.sold, name: Sold, summary: 'sold by {{.by}}', vars: {by: account(msg.by)}, users: by}
`).WithAccounts(map[string]string{"ally": "alice"})
	e := c.Describe(&bus.Message{Topic: "shop.sold", Body: map[string]any{"by": "ally"}})
	if e.Prose().Summary != "sold by alice" || strings.Join(e.Users, "") != "alice" {
		t.Errorf("got %q %q", e.Prose().Summary, e.Users)
	}
}

// TestHolesAreLeftOut: a body that lacks what an entry shows gives neither "<no value>" nor a link that leads nowhere.
func TestHolesAreLeftOut(t *testing.T) {
	c := embeddedCatalogue(t)
	for _, topic := range everyTopic(c) {
		for _, line := range []string{
			`{"topic":"org.example.prod.` + topic + `","msg":{}}`,
			`{"topic":"org.example.prod.` + topic + `","body":{"body":{}},"headers":{"x":1}}`,
			`{"topic":"` + topic + `","msg":null}`,
		} {
			m, err := bus.DecodeLine([]byte(line), time.Unix(1500000000, 0))
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			p := c.Describe(m).Prose()
			if p.Summary == "" || strings.Contains(p.Summary+p.Link+p.Icon+p.SecondaryIcon, "no value") {
				t.Errorf("%s: %+v", line, p)
			}
		}
	}
}

// everyTopic gives a topic that fits each pattern of a catalogue.
func everyTopic(c *Catalogue) []string {
	var topics []string
	for _, a := range c.apps {
		for _, e := range a.entries {
			for _, p := range e.patterns {
				topics = append(topics, topicOf(p))
			}
		}
	}
	return topics
}

// choice and capture are words of a pattern that stand for others.
var choice, capture = regexp.MustCompile(`\{\w*=([^|}]*)[^}]*\}`), regexp.MustCompile(`\{[^}]*\}`)

func topicOf(p topics.Pattern) string {
	return capture.ReplaceAllString(choice.ReplaceAllString(p.Text, "$1"), "something")
}

func TestLinkOfSeveralAndOfStaging(t *testing.T) {
	c := loadSite(t, `
app: shop
hosts: {shop.example.org: shop.stg.example.org}
keyword: release
entries:
  - topic: shop.sold
    kind: shop.sold
    name: Sales
    summary: sold
    link: ['{{.msg.page}}', 'https://shop.example.org/{{.msg.area}}/{{.msg.id}}', 'https://shop.example.org/all']
`)
	for _, x := range []struct{ environment, body, want string }{
		{"prod", `{"page": "https://a.example.org/1", "id": 7}`, "https://a.example.org/1"},
		{"prod", `{"page": "www.example.org/1", "area": "tea", "id": 7}`, "https://shop.example.org/tea/7"},
		{"prod", `{"page": null, "id": 7}`, "https://shop.example.org/all"},
		{"stg", `{"area": "tea", "id": 7}`, "https://shop.stg.example.org/tea/7"},
		{"dev", `{"area": "tea", "id": 7}`, "https://shop.example.org/tea/7"},
	} {
		e := c.Describe(&bus.Message{Topic: "org.example." + x.environment + ".shop.sold", Body: body(t, x.body)})
		if got := e.Prose().Link; got != x.want || e.Keyword != KeywordRelease {
			t.Errorf("%s in %s: %s (%s), want %s", x.body, x.environment, got, e.Keyword, x.want)
		}
	}
}

// TestNothingSaid: a sentence that finds nothing in a message gives way to the conventional one, if that finds more.
func TestNothingSaid(t *testing.T) {
	c := loadSite(t, `
app: ferry
entries:
  - {topic: ferry.left, kind: ferry.left, name: Departures, summary: '{{.msg.captain}} left for {{.msg.to}}', actor: msg.captain}
`)
	for content, want := range map[string]string{
		`{"captain": "alice"}`:     "alice left",
		`{}`:                       "Somebody left",
		`{"to": null}`:             "Somebody left",
		`{"message": "too windy"}`: "ferry left: too windy",
	} {
		if got := c.Describe(&bus.Message{Topic: "ferry.left", Body: body(t, content)}).Prose().Summary; got != want {
			t.Errorf("%s: %q, want %q", content, got, want)
		}
	}
}
