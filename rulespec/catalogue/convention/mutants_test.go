package convention_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// bodies are those that the mutants are made of.
var bodies = []string{
	`{"action":"opened","number":12,"issue":{"number":12,"title":"tea is cold","html_url":"https://forge.example.org/acme/tea/issues/12",
		"user":{"login":"alice","email":"alice@example.net"}},"repository":{"full_name":"acme/tea","owner":{"login":"acme","type":"Organization"}},"sender":{"login":"alice"}}`,
	`{"contact":{"name":"Tea CI","url":"https://ci.example.org","email":"tea@example.org"},"run":{"url":"https://ci.example.org/job/5"},
		"artifact":{"type":"brew-build","component":"tea","nvr":"tea-1.0-1.el9","id":5},"test":{"namespace":"tea-ci","result":"failed"},"version":"0.1.0"}`,
	`{"ref":"refs/heads/main","commits":[{"message":"Warm the pot","author":{"name":"Bob","email":"bob@example.net"}}],"repository":{"full_name":"acme/tea"},
		"pusher":{"login":"carol"},"compare_url":"https://forge.example.org/acme/tea/compare/1..2"}`,
	`{"TEST":"kde","MACHINE":"64bit","BUILD":"0091","id":7,"result":"failed","user":"Kori Moa","meta":{"uri":"https://wiki.example.org/Tea"}}`,
	`{"body":{"object_kind":"note","user":{"username":"bob","name":"Bob Potter"},"project":{"path_with_namespace":"acme/tea"},
		"object_attributes":{"note":"Nice","url":"https://lab.example.org/n/9"},"merge_request":{"iid":2}},"headers":{},"agent":null}`,
	`{"info":{"name":"tea","version":"1","release":"2","nvr":"tea-1-2","owner_name":"alice"},"attribute":"state","old":0,"new":4}`,
}

// odd is what may stand where something else is expected, new at each call: a body must not hold one value twice.
func odd(random *rand.Rand) any {
	all := []any{nil, "", "null", "None", json.Number("7"), json.Number("-0.5e9"), true,
		[]any{}, []any{"x", nil}, map[string]any{}, map[string]any{"a": map[string]any{"b": "c"}}, "bob@example.net",
		"https://example.org//x",
		"{\"a\": 1}", "a\nb\u202e",
		"https://api.example.org/x", "[object Object]", strings.Repeat("long ", 1000)}
	return all[random.IntN(len(all))]
}

var oddTopics = []string{"forge.issues", "ci.brew-build.test.complete", "forge.push", "qa.job.done", "lab.note",
	"brew.build.failed", "x", "tea.pr:comment:added", "a.b.c.d.e.f", "tea.IssueClosed", "tea.error",
	"forge.create", "forge.member.added", "tea.2024.7.update"}

var faulty = regexp.MustCompile(
	`[{\[]"|"[}\]]|\bnull\b|\bNone\b|\(\s*\)|\[\s*\]|<nil>|map\[|[\w.+-]+@[\w-]+\.\w+|  |: :|[\n\r\x{202e}]`,
)

// TestMutants changes bodies at random: nothing may panic, and no sentence shows JSON, an address or null, no link is
// broken, no user is nobody.
func TestMutants(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		body := decode(t, bodies[i%len(bodies)])
		for range 1 + random.IntN(3) {
			body = mutate(random, body)
		}
		topic := oddTopics[random.IntN(len(oddTopics))]
		check(t, topic, body)
	}
}

func check(t *testing.T, topic string, body any) {
	t.Helper()
	r := convention.Read(strings.Split(topic, "."), body)
	people := &values.Accounts{App: "tea", Same: true}
	said := values.Line(r.Sentence(r.Packages()), 300)
	link := r.Link()
	fault := ""
	switch {
	case said == "" || faulty.MatchString(said) || strings.HasSuffix(said, ":"):
		fault = "sentence"
	case link != values.Link(link) || strings.Contains(strings.TrimPrefix(link, "https://"), "//"):
		fault = "link"
	case values.IsNobody(r.Actor(people)):
		fault = "actor"
	}
	for _, user := range append(r.Users(people), r.Objects()...) {
		if strings.ContainsAny(user, "{}@\n") || values.IsNobody(user) || user == "" {
			fault = "users or objects: " + user
		}
	}
	if r.Severity(); fault != "" {
		t.Fatalf("%s: %s %s\n   %q %q", fault, topic, values.JSON(body, 2000), said, link)
	}
}

// mutate puts something odd in the place of one value, or leaves it out.
func mutate(random *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := values.Keys(v)
		if len(keys) == 0 {
			return v
		}
		key := keys[random.IntN(len(keys))]
		switch random.IntN(8) {
		case 0:
			delete(v, key)
		case 1:
			v[key] = odd(random)
		case 2:
			v[key] = []any{v[key]}
		case 3:
			v[key] = map[string]any{"name": v[key]}
		case 4:
			v[key] = fmt.Sprint(v[key])
		default:
			v[key] = mutate(random, v[key])
		}
		return v
	case []any:
		if len(v) > 0 {
			v[0] = mutate(random, v[0])
		}
		return v
	}
	return odd(random)
}

// FuzzRead looks for bodies of any form that break it.
func FuzzRead(f *testing.F) {
	for _, body := range bodies {
		for _, topic := range oddTopics[:3] {
			f.Add(topic, body)
		}
	}
	f.Fuzz(func(t *testing.T, topic, body string) {
		d := json.NewDecoder(strings.NewReader(body))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return
		}
		r := convention.Read(strings.Split(topic, "."), v)
		r.Sentence(r.Packages())
		r.Link()
		r.Objects()
		r.Severity()
		r.Users(&values.Accounts{})
		r.Actor(&values.Accounts{})
	})
}
