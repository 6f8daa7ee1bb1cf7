package language

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// given is variables that are known beforehand.
type given map[string]any

func (g given) Compute(name string) any { return g[name] }

func scopeOf(env map[string]any) *Scope {
	sc := NewScope(env["msg"], given(env))
	return &sc
}

// body decodes JSON as the bus does: numbers stay as they were written.
func body(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExpressionsAreTotal(t *testing.T) {
	env := map[string]any{"msg": body(t,
		`{"n":1478312,"big":1436455009.0,"zero":0,"name":"tea-1.2-1.fc43","list":["b","a","b"],
		"user":{"name":"alice"},"none":null,"yes":true,"builds":[{"nvr":"a-1-1"},{"nvr":"b-b-2-2"}]}`), "table": map[string]string{"1478312": "known"}}
	names := map[string]bool{"msg": true, "table": true}
	for _, c := range []struct{ src, want string }{
		{`msg.user.name`, "alice"},
		{`msg.user.name.first.of.all`, ""},
		{`msg.nobody.name`, ""},
		{`msg.list[0]`, "b"},
		{`msg.list[-1]`, "b"},
		{`msg.list[17]`, ""},
		{`msg.n`, "1478312"},
		{`"id " + msg.n`, "id 1478312"},
		{`"at " + msg.big`, "at 1436455009.0"},
		{`msg.n == 1478312`, "true"},
		{`msg.n == "1478312"`, "true"},
		{`msg.n != 1`, "true"},
		{`msg.none == nil and not msg.none`, "true"},
		{`msg.zero ? "some" : "none"`, "none"},
		{`msg.n > 99 && msg.n <= 1478312`, "true"},
		{`msg.none < 3`, "false"},
		{`"a" in msg.list and "alice" in msg.list == false`, "true"},
		{`"name" in msg.user`, "true"},
		{`table[msg.n]`, "known"},
		{`nvr_name(msg.name)`, "tea"},
		{`series(msg.list)`, "a and b"},
		{`series(map(msg.builds, nvr_name(.nvr)))`, "a and b-b"},
		{`join(filter(msg.list, # != "a"), "+")`, "b+b"},
		{`map(msg.none, .nvr)`, "[]"},
		{`any(msg.none, .x)`, "false"},
		{`capture("see #12 and #13", "#(\\d+)")`, "12"},
		{`msg.name matches "fc\\d+$"`, "true"},
		{`msg.name[0:3]`, "tea"},
		{`let x = msg.user.name; x + x`, "alicealice"},
		{`msg.none ?? "default"`, "default"},
	} {
		x, err := Compile(c.src, names)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		v, err := x.Eval(scopeOf(env))
		if got := written(v); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.src, got, err, c.want)
		}
	}
}

func TestExpressionsThatDoNotLoad(t *testing.T) {
	names := map[string]bool{"msg": true}
	for _, c := range []struct{ src, want string }{
		{`nobody`, "unknown name nobody"},
		{`msg.`, "unexpected"},
		{`lower()`, "lower takes (text), not 0 arguments"},
		{`msg.call()`, "only functions can be called"},
		{`capture(msg, msg)`, "written out"},
		{`capture(msg, "(")`, "missing closing"},
		{`1..100000000`, "operator .. is not available"},
		{`2 ** 64`, "operator ** is not available"},
		{`reduce(msg, #acc + #)`, "reduce is not available"},
		{`now()`, "unknown name now"},
		{`map(msg, map(#, map(#, 1)))`, "nested"},
		{strings.Repeat("(", 5000), "at most 4096"},
		{strings.Repeat("1 == ", 500) + "1", "nodes"},
	} {
		if _, err := Compile(c.src, names); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40s: error %v; want %q in it", c.src, err, c.want)
		}
	}
}

// TestExpressionsAreBounded gives the worst expression that loads the worst message.
func TestExpressionsAreBounded(t *testing.T) {
	long := make([]any, 50_000)
	for i := range long {
		long[i] = strings.Repeat("x", 100)
	}
	env := map[string]any{"msg": map[string]any{"l": long, "s": strings.Repeat("é", 1<<20)}}
	for src, most := range map[string]int{
		`let a = msg.s + msg.s; let b = a + a; b + b`: values.MaxText,
		`replace(msg.s, "é", msg.s)`:                  values.MaxText,
		`join(msg.l, msg.s)`:                          values.MaxText,
		`len(filter(msg.l, count(msg.l, # == "")))`:   10,
		`join(map(msg.l, #), "")`:                     values.MaxText,
	} {
		x, err := Compile(src, map[string]bool{"msg": true})
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		v, err := x.Eval(scopeOf(env))
		if got := len(values.Text(v)); err != nil && !errors.Is(err, ErrSteps) || got > most {
			t.Errorf("%s: %d bytes, %v; want at most %d", src, got, err, most)
		}
	}
}

func TestFunctionsAreSortedAndDocumented(t *testing.T) {
	for i, f := range functions {
		if i > 0 && functions[i-1].Name >= f.Name {
			t.Errorf("%s stands before %s", functions[i-1].Name, f.Name)
		}
		if f.Doc == "" || !values.IsIdentifier(f.Name) {
			t.Errorf("%s has no description or no proper name", f.Name)
		}
	}
}

func TestFunctions(t *testing.T) {
	env := map[string]any{Accounts: &values.Accounts{App: "forge", Map: map[string]string{
		"bob@example.org": "bob", "bobby": "bob", "forge:ally": "alice"}}}
	for src, want := range map[string]string{
		`account("http://alice.id.fedoraproject.org/")`:      "alice",
		`account("https://id.example.org/openid/id/alice/")`: "alice",
		`account("Bob <bob@example.org>")`:                   "bob",
		`account("bobby")`:                                   "bob",
		`account("carol@fedoraproject.org")`:                 "carol",
		`account("carol@example.org")`:                       "",
		`login("ally")`:                                      "alice",
		`login({"login": "carol"})`:                          "",
		`name({"id": 1, "name": "tea"})`:                     "tea",
		`url({"url": "https://example.org/1"})`:              "https://example.org/1",
		`text([{"name": "tea"}, "kelp"])`:                    "tea and kelp",
		`account(nil)`:                                       "",
		`address("Alice <alice@example.org>")`:               "alice@example.org",
		`address("Alice, the cook <alice@example.org")`:      "alice@example.org",
		`address("nobody")`:                                  "",
		`person("Alice <alice@example.org>")`:                "Alice",
		`person("alice@example.org")`:                        "alice",
		`local_part("Alice <alice@example.org>")`:            "alice",
		`avatar("alice@example.org")`:                        "https://seccdn.libravatar.org/avatar/fbf7c6aec1d4280b7c2704c1c0478bd6?s=64&d=retro",
		`avatar("")`:                                         "",
		`after("a=b=c", "=")`:                                "b=c",
		`after_last("a=b=c", "=")`:                           "c",
		`before("a=b=c", "=")`:                               "a",
		`before_last("a=b=c", "=")`:                          "a=b",
		`base("/srv/x/y.yml")`:                               "y.yml",
		`base("")`:                                           "",
		`capitalize("éa")`:                                   "Éa",
		`capitalize("")`:                                     "",
		`plural(1, "error", "errors")`:                       "1 error",
		`plural("2", "error", "errors")`:                     "2 errors",
		`plural([1], "error", "errors")`:                     "1 error",
		`plural(nil, "error", "errors")`:                     "0 errors",
		`series(["c","a","b"])`:                              "a, b and c",
		`series(["d","c","a","b"], 2)`:                       "a, b and 2 others",
		`series(["c","a","b"], 2)`:                           "a, b and 1 other",
		`series(nil)`:                                        "",
		`truncate("abcdef", 4)`:                              "abc…",
		`truncate("abcd", 4)`:                                "abcd",
		`truncate("abcd", 0)`:                                "…",
		`first_line("\n\n  one\ntwo")`:                       "one",
		`nvr_name("tea")`:                                    "tea",
		`nvr_name("tea-time-1-2")`:                           "tea-time",
		`part("a.b.c", ".", -1)`:                             "c",
		`part("a.b.c", ".", 7)`:                              "",
		`split("a, b;c", ",;")[2]`:                           "c",
		`slice("abc", -2)`:                                   "bc",
		`keys({"b": 1, "a": 2})`:                             `["a","b"]`,
		`values({"b": 1, "a": 2})[0]`:                        "2",
		`flatten("a", ["b", ["c"]])`:                         `["a","b","c"]`,
		`path("a/b c")`:                                      "a%2Fb%20c",
		`query("a&b c")`:                                     "a%26b+c",
		`trim("--a--", "-")`:                                 "a",
		`sub(3, 5)`:                                          "-2",
		`sub("a", 5)`:                                        "",
		`1 + 2`:                                              "3",
		`short("0123456789abcdef")`:                          "01234567",
		`captures("@a and @b", "@(\\w)")`:                    `["a","b"]`,
		`dig({"a": {"b": 1}}, "a", "b")`:                     "1",
	} {
		x, err := Compile(src, map[string]bool{Accounts: true})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		v, err := x.Eval(scopeOf(env))
		if got := written(v); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", src, got, err, want)
		}
	}
}

// written gives a value as text, and an object or a list as JSON.
func written(v any) string {
	switch v.(type) {
	case map[string]any, []any:
		return values.JSON(v, values.MaxText)
	}
	return values.Text(v)
}

// TestFunctionsTakeAnything calls each function with values of every sort, in every position: none may panic or fail.
func TestFunctionsTakeAnything(t *testing.T) {
	samples := []any{nil, true, "", "text", -1, 1 << 40, 0.5, body(t, `[1,"a",null,{"x":[]}]`), body(t, `{"a":{"b":1}}`),
		body(t, `1e400`),
		map[string]string{"a": "b"}, "\xff\xfe", "-", strings.Repeat("9", 400)}
	for _, f := range functions {
		most := f.Max
		if most < 0 {
			most = 3
		}
		for n := f.Min; n <= most; n++ {
			for i := range len(samples) * len(samples) {
				args := make([]any, n)
				for k := range args {
					args[k] = samples[(i/(1+k*(len(samples)-1))+k)%len(samples)]
				}
				if f.Accounts {
					args = append([]any{nil}, args...)
				}
				if _, err := f.call(args...); err != nil {
					t.Errorf("%s(%v): %v", f.Name, args, err)
				}
			}
		}
	}
}
