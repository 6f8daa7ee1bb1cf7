package catalogue

import (
	"strings"
	"testing"
)

// TestCheckFindsWhatLoadingDoesNot is the list of what is wrong with entries that load.
func TestCheckFindsWhatLoadingDoesNot(t *testing.T) {
	const head = "app: shop\nentries:\n"
	entry := func(kind, topic, more string) string {
		return "  - {topic: '" + topic + "', kind: shop." + kind + ", name: n, summary: s" + more + "}\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"never reached": {entry("a", "shop.x", "") + entry("b", "shop.{=x}", ""),
			"f.yaml:4:5: kind shop.b is never reached: shop.a, at f.yaml:3"},
		"same condition": {entry("a", "shop.x", ", when: msg.n") + entry("b", "shop.x", ", when: msg.n"),
			"kind shop.b is never reached"},
		"other condition": {entry("a", "shop.x", ", when: msg.n") + entry("b", "shop.x", ", when: msg.m"), ""},
		"condition first": {entry("a", "shop.x", ", when: msg.n") + entry("b", "shop.x", ""), ""},
		"shares a topic": {entry("a", "shop.x", "") + entry("b", "shop.{=x|y}", ""),
			"kind shop.b shares a topic with another: shop.a"},
		"more definite": {entry("a", "shop.{}", "") + entry("b", "shop.x", ""), ""},
		"example of none": {entry("a", "shop.x", ", examples: [{topic: shop.y}]"),
			"f.yaml:3:69: this example of shop.a is described by shop.unknown"},
		"empty field": {entry("a", "shop.x", ", users: [msg.u, msg.v], examples: [{topic: shop.x, msg: {u: bob}}]"),
			"f.yaml:3:73: users of shop.a is empty on every example (1)"},
		"failing field": {entry("a", "shop.x", ", users: '-msg.u', examples: [{topic: shop.x, msg: {u: bob}}]"),
			"users of shop.a fails on every example (1): invalid operation"},
		"link of none": {entry("a", "shop.x", ", link: '{{.msg.u}}', examples: [{topic: shop.x, msg: {u: www.example.org}}]"),
			`link of shop.a cannot be used on any example (1): "www.example.org" is no whole http or https URL`},
		"link with a gap": {entry("a", "shop.x", ", link: 'https://example.org/{{.msg.u}}/x', examples: [{topic: shop.x}]"),
			`link of shop.a cannot be used on any example (1): nothing is there for {{.msg.u}}`},
		"link without scheme": {entry("a", "shop.x", ", link: ['www.example.org/{{.msg.u}}', 'http{{.msg.s}}://x']"),
			`f.yaml:3:65: link of shop.a can never be whole: it begins with "www.example.org/", and`},
		"one is enough": {entry("a", "shop.x",
			", users: msg.u, examples: [{topic: shop.x}, {topic: shop.x, msg: {u: bob}}]"), ""},
		"when an object": {entry("a", "shop.x", ", when: msg.u, examples: [{topic: shop.x, msg: {u: {id: 7}}}]"), ""},
		"JSON as text": {entry("a", "shop.x", `, users: msg.u, examples: ['{"topic": "shop.x", "msg": {"u": "bob"}}']`),
			""},
		"no message": {entry("a", "shop.x", ", examples: [{topic: 'a b'}]"), "f.yaml:3:"},
		"no list":    {entry("a", "shop.x", ", examples: {topic: shop.x}"), "examples: want a list of messages"},
		"alias":      {entry("a", "shop.x", ", examples: [&a {topic: shop.x}, *a]"), "examples: want a message"},
	} {
		var got []string
		for _, m := range Check(site(map[string]string{"f.yaml": head + c.text})) {
			got = append(got, m.Error())
		}
		switch text := strings.Join(got, "\n"); {
		case c.want == "" && text != "":
			t.Errorf("%s: %s", name, text)
		case !strings.Contains(text, c.want):
			t.Errorf("%s: got %s\n   want %s", name, text, c.want)
		}
	}
}

func TestCheckTellsWhenAKindBuiltInIsTaken(t *testing.T) {
	got := Check(site(map[string]string{"git.yaml": "app: git\nentries:\n  - {topic: git.receive, kind: git.mine, " +
		"name: Mine, summary: mine}\n"}))
	if len(got) != 1 || !strings.Contains(got[0].Error(),
		"git.yaml:3:5: kind git.mine takes the messages of git.receive") {
		t.Errorf("got %v", got)
	}
}

// TestCheckSaysTheSameEachTime has an entry that a different one takes on each of its topics.
func TestCheckSaysTheSameEachTime(t *testing.T) {
	const text = "app: shop\nentries:\n" +
		"  - {topic: shop.x, kind: shop.a, name: n, summary: s}\n" +
		"  - {topic: shop.y, kind: shop.b, name: n, summary: s}\n" +
		"  - {topic: 'shop.{=x|y}', kind: shop.c, name: n, summary: s}\n"
	for range 50 {
		got := Check(site(map[string]string{"f.yaml": text}))
		if len(got) != 1 || !strings.Contains(got[0].Error(), "never reached: shop.a, at f.yaml:3") {
			t.Fatalf("got %v", got)
		}
	}
}
