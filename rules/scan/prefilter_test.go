package scan_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules/scan"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestPrefilterAgrees writes the same data as JSON in many ways, and compares what the expressions find in each.
func TestPrefilterAgrees(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	words := []string{
		"kernel", "\u212aernel", "mi\u017fs", "miss", "a\nbcd", "tab\tbed", "<b>", "null", "x/y/zed", `quo"te`, `back\slash`,
		"bell\bfry", "é", "12.50", "\x01f00", "😀ok",
	}
	patterns := []string{
		"kernel", "miss", "nbcd", "tbed", "<b>", "null", "y/zed", `o\\"te`, `k\\\\s`, "u0008fry", "éx", "12[.]50", `"w":"`,
		`":\[`, "u0001f00", "ok|nope", `1\.5`, "true", "inf",
	}
	matched, ruledOut := 0, 0
	for range 10000 {
		text := words[random.IntN(len(words))] + words[random.IntN(len(words))]
		other := words[random.IntN(len(words))]
		const form = `{"z": [%s , 1.5, NaN], "w" : %s,"t":true, "n": null}`
		body := fmt.Sprintf(form, spelled(random, text), spelled(random, other))
		if random.IntN(10) > 0 {
			body = strings.Replace(body, "NaN", "12.50", 1)
		}
		payload := fmt.Sprintf(`{"topic": "a.b", "msg_id": "1", "timestamp": 1, "msg": %s}`, body)
		m, err := bus.Decode(bus.Frame{Topic: "a.b", Payload: []byte(payload)}, time.Unix(0, 0))
		if err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		e := &catalogue.Event{Message: m, App: "a"}
		e.SetProse(catalogue.Prose{Summary: words[random.IntN(len(words))]})
		args := rulespec.Args{"pattern": {patterns[random.IntN(len(patterns))]}}
		if random.IntN(2) == 0 {
			args["in"] = []string{"body"}
		}
		expression := rulespec.Rule{Kind: "regex", Args: args, Not: random.IntN(3) == 0}
		f := rulespec.Filter{Rules: []rulespec.Rule{{Kind: "app", Args: rulespec.Args{"name": {"a"}}}, expression}}
		s, err := scan.New(rulespec.Env{}, nil, f)
		if err != nil {
			t.Fatal(args, err)
		}
		got, sure := s.Prefilter(e.Prose().Summary, "", m.Payload)
		switch matches := s.Match(e); {
		case sure && matches != got || got && !sure:
			t.Fatalf("%v: Match says %v of %s, Prefilter %v of %q", f, matches, e.BodyText(), got, m.Payload)
		case sure && matches:
			matched++
		case sure:
			ruledOut++
		}
	}
	if matched < 100 || ruledOut < 200 {
		t.Errorf("Prefilter was sure of %d matches and of %d others: too few for a test", matched, ruledOut)
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

// FuzzPrefilter compares what Prefilter is sure of with Match, for any JSON and any expression.
func FuzzPrefilter(f *testing.F) {
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
		s, err := scan.New(rulespec.Env{}, nil, filter)
		if err != nil {
			return
		}
		if got, sure := s.Prefilter("", "", m.Payload); sure && got != s.Match(&catalogue.Event{Message: m}) {
			t.Errorf("%q in %s: Prefilter is sure of %v", pattern, payload, got)
		}
	})
}
