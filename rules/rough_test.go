package rules_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestRoughAgrees writes the same data as JSON in many ways, and asks of each what the expressions find in it.
func TestRoughAgrees(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	words := []string{"kernel", "\u212aernel", "mi\u017fs", "miss", "a\nbcd", "tab\tbed", "<b>", "null", "x/y/zed", `quo"te`, `back\slash`, "bell\bfry", "é", "12.50", "\x01f00", "😀ok"}
	patterns := []string{"kernel", "miss", "nbcd", "tbed", "<b>", "null", "y/zed", `o\\"te`, `k\\\\s`, "u0008fry", "éx", "12[.]50", `"w":"`, `":\[`, "u0001f00", "ok|nope", `1\.5`, "true", "inf"}
	matched, ruledOut := 0, 0
	for range 10000 {
		text := words[random.IntN(len(words))] + words[random.IntN(len(words))]
		body := fmt.Sprintf(`{"z": [%s , 1.5, NaN], "w" : %s,"t":true, "n": null}`, spelled(random, text), spelled(random, words[random.IntN(len(words))]))
		if random.IntN(10) > 0 {
			body = strings.Replace(body, "NaN", "12.50", 1)
		}
		payload := fmt.Sprintf(`{"topic": "a.b", "msg_id": "1", "timestamp": 1, "msg": %s}`, body)
		m, err := bus.Decode(bus.Frame{Topic: "a.b", Payload: []byte(payload)}, time.Unix(0, 0))
		if err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		e := &catalogue.Event{Message: m}
		e.SetProse(catalogue.Prose{Summary: words[random.IntN(len(words))]})
		args := rulespec.Args{"pattern": {patterns[random.IntN(len(patterns))]}}
		if random.IntN(2) == 0 {
			args["in"] = []string{"body"}
		}
		f := rulespec.Filter{Rules: []rulespec.Rule{{Kind: "everything"}, {Kind: "regex", Args: args, Not: random.IntN(3) == 0}}}
		s, err := rules.NewSieve(rulespec.Env{}, nil, f)
		if err != nil {
			t.Fatal(args, err)
		}
		rough, sure := s.Rough(e.Prose().Summary, "", m.Payload)
		switch matches := s.Whole(e); {
		case sure && matches != rough || rough && !sure:
			t.Fatalf("%v: Whole says %v of %s, Rough %v of %q", f, matches, e.BodyText(), rough, m.Payload)
		case sure && matches:
			matched++
		case sure:
			ruledOut++
		}
	}
	if matched < 100 || ruledOut < 200 {
		t.Errorf("of %d Rough was sure that they match, of %d that they do not: too few for a test", matched, ruledOut)
	}
}

// spelled writes a text as JSON, some of its characters as escapes.
func spelled(random *rand.Rand, text string) string {
	plain, err := json.Marshal(text)
	if err != nil || random.IntN(3) == 0 {
		return string(plain)
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r < 0x10000 && random.IntN(4) == 0:
			fmt.Fprintf(&b, []string{`\u%04x`, `\u%04X`}[random.IntN(2)], r)
		case r == '/' && random.IntN(2) == 0:
			b.WriteString(`\/`)
		case r == '\b':
			b.WriteString(`\b`)
		case r < ' ' || r == '"' || r == '\\':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// A filter that names alone decide is not said to need more, and its keys are spelled out by the directory.
func TestSieveKeys(t *testing.T) {
	dir := parseDirectory(t, "groups: {g: [alice, bob], h: [carol]}\npackages: {bash: {owner: [alice]}, zsh: {owner: [\"@g\"]}, fish: {owner: [carol]}}\n")
	for _, c := range []struct {
		rule    rulespec.Rule
		want    string
		byNames bool
	}{
		{rule("package", "name", "bash"), "[{package bash}]", true},
		{rule("package", "name", "ba*"), "[]", true},
		{rule("actor", "name", "alice"), "[{actor alice}]", true},
		{rule("group", "name", "g"), "[{user alice} {user bob}]", true},
		{rule("owner", "user", rulespec.Me), "[{package bash} {package zsh}]", true},
		{rulespec.Rule{Kind: "owner", Args: rulespec.Args{"group": {"g"}, "role": {"owner"}}}, "[{package zsh}]", true},
		{rule("owner", "group", "h"), "[]none", true},
		{rule("severity", "least", "error"), "[]", true},
		{rule("regex", "pattern", "abc"), "[]", false},
		{rule("field", "path", "a.b"), "[]", false},
		{rulespec.Rule{Kind: "field", Args: rulespec.Args{"path": {"a"}, "topic": {"x.y"}}}, "[{topic x.y}]", false},
	} {
		s, err := rules.NewSieve(rulespec.Env{}, dir, rulespec.Filter{Owner: "alice", Rules: []rulespec.Rule{c.rule}})
		if err != nil {
			t.Fatal(err)
		}
		keys := s.Keys("topic", "app", "kind", "user", "package", "actor")
		got := fmt.Sprint(keys)
		if keys != nil && len(keys) == 0 {
			got += "none"
		}
		if got != c.want || s.ByNames() != c.byNames {
			t.Errorf("%v: keys %s, by names %v; want %s, %v", c.rule, got, s.ByNames(), c.want, c.byNames)
		}
	}
}

// FuzzRough asks of any JSON and any expression what Rough is sure of.
func FuzzRough(f *testing.F) {
	f.Add(`{"a": "k\u0065rnel", "b": [1e5, NaN]}`, "kernel|1E5")
	f.Add(`"\ud83d \u212a\/\b"`, "k/")
	f.Add(`{"x":"NULL","x":null}`, "null")
	f.Fuzz(func(t *testing.T, body, pattern string) {
		payload := `{"topic":"t","timestamp":1,"msg":` + body + `}`
		m, err := bus.Decode(bus.Frame{Topic: "t", Payload: []byte(payload)}, time.Unix(0, 0))
		if err != nil {
			return
		}
		filter := rulespec.Filter{Rules: []rulespec.Rule{rule("regex", "pattern", pattern)}}
		s, err := rules.NewSieve(rulespec.Env{}, nil, filter)
		if err != nil {
			return
		}
		if rough, sure := s.Rough("", "", m.Payload); sure && rough != s.Whole(&catalogue.Event{Message: m}) {
			t.Errorf("%q in %s: Rough is sure of %v", pattern, payload, rough)
		}
	})
}
