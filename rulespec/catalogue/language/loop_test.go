package language

import (
	"errors"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// listOf makes a list of as many elements as functions look at.
func listOf(v any) []any {
	long := make([]any, values.MaxList)
	for i := range long {
		long[i] = v
	}
	return long
}

// costly are expressions that would take very many steps of a message with long lists and texts.
var costly = []string{
	`map(msg.l, map(msg.l, #))`, `[map(msg.l, map(msg.l, #)), count(msg.l, any(msg.l, # == "y"))]`,
	`count(msg.l, count(msg.l, true) > 5)`, `filter(msg.l, # in msg.l)`, `map(msg.l, msg.text)`,
	`map(msg.l, upper(msg.text))`, `map(msg.l, split(msg.text, " "))`, `map(msg.l, msg.text matches "(a|b)*c$")`,
	`map(msg.l, keys(msg.object))`, `map(msg.l, text(msg.object))`, `map(msg.l, text([[msg.object]]))`,
	`member(msg.object, msg.l)`, `join(msg.texts, msg.text)`, `sort(msg.texts)`, `map(msg.l, json(msg.text))`,
	`let a = msg.l; count(a, count(a, true) > 5)`,
}

func costlyMessage() map[string]any {
	object := map[string]any{}
	for _, k := range listOf(nil) {
		object[strings.Repeat("k", len(object))] = k
	}
	text := strings.Repeat("ab ", values.MaxText/3)
	return map[string]any{"l": listOf("x"), "texts": listOf(text), "text": text, "object": object, "name": "bob"}
}

// TestStepsAreBounded: what needs more steps than a message has is a failure, and takes hardly more.
func TestStepsAreBounded(t *testing.T) {
	m := costlyMessage()
	for _, src := range costly {
		x, err := Compile(src, map[string]bool{"msg": true})
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		sc := scopeOf(map[string]any{"msg": m})
		sc.message = m
		v, err := x.Eval(sc)
		for n := 0; err == nil && n < 2000; n++ { // a sum of small steps, too
			v, err = x.Eval(sc)
		}
		if !errors.Is(err, ErrSteps) || v != nil || !sc.Spent() {
			t.Errorf("%s: %d steps, error %v", src, sc.Steps(), err)
		}
		field, err := Compile(`default(msg.none, msg.name)`, map[string]bool{"msg": true})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := field.Eval(sc); v != "bob" || err != nil {
			t.Errorf("a field after %s: %v, %v", src, v, err)
		}
	}
	for _, src := range []string{`{{range .l}}{{range $.l}}{{end}}{{end}}`, `{{range .l}}{{if upper $.text}}{{end}}{{end}}`} {
		s, err := CompileSentence(src, map[string]bool{"l": true, "text": true})
		if err != nil {
			t.Fatal(err)
		}
		sc := scopeOf(m)
		sc.message = m
		if out, err := s.Render(sc); out != "" || !errors.Is(err, ErrSteps) {
			t.Errorf("%s: %q after %d steps, error %v", src, out, sc.Steps(), err)
		}
	}
}
