package yamltext_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

var bounds = yamltext.Bounds{Bytes: 200_000, Nesting: 20}

func parse(t *testing.T, text string) ast.Node {
	t.Helper()
	root, err := yamltext.Parse([]byte(text), bounds)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return root
}

func TestTextIsAsWritten(t *testing.T) {
	for written, want := range map[string]string{
		"0123": "0123", "1.10": "1.10", "1_000": "1_000", "0x1F # hex": "0x1F", "+1": "+1", "1e3": "1e3", ".inf": ".inf",
		"True": "True", "no": "no", "2026-01-02": "2026-01-02", "a b": "a b", "é": "é",
		`"0123"`: "0123", `'it''s'`: "it's", `"a\tb"`: "a\tb", `""`: "",
		"|\n  x\n  y\n": "x\ny\n", ">-\n  x\n  y\n": "x y",
	} {
		value, ok := yamltext.Find(parse(t, "key: "+written), "key")
		if got, isText := yamltext.Text(value.Value); !ok || !isText || got != want {
			t.Errorf("Text(%s) = %q, %v; want %q", written, got, isText, want)
		}
	}
	for _, written := range []string{"", "~", "null", "[a]", "{a: b}", "&x a", "!!str 1"} {
		value, _ := yamltext.Find(parse(t, "key: "+written), "key")
		if got, ok := yamltext.Text(value.Value); ok {
			t.Errorf("Text(%s) = %q, want none", written, got)
		}
	}
}

func TestParseIsStrict(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"syntax", "a: b\nc: [\n", "line 2, column 4: not YAML"},
		{"tab", "a:\n\tb: c\n", "not YAML"},
		{"key twice", "a: b\n'a': c\n", `line 2, column 1: the key "a" is there twice, first in line 1`},
		{"key twice below", "x:\n  - {1: b, c: d, 1: e}\n", `line 2, column 18: the key "1" is there twice, first in line 2`},
		{"key twice without values", "{a, a}\n", `line 1, column 5: the key "a" is there twice`},
		{"two documents", "a: b\n---\nc: d\n", "line 3, column 1: a second document begins here"},
		{"not UTF-8", "a: b\nüc: \xff\n", "line 2, column 5: the text is not UTF-8 here"},
		{"long", strings.Repeat("a", 200_001), "the text has 200001 bytes; at most 200000 are allowed"},
		{"deep brackets", strings.Repeat("[", 100_000), "line 1, column 21: the text is nested too deeply here"},
		{"deep dashes", strings.Repeat("- ", 100_000), "line 1, column 41: the text is nested too deeply here"},
		{"deep keys", strings.Repeat("? ", 100_000), "line 1, column 41: the text is nested too deeply here"},
	} {
		_, err := yamltext.Parse([]byte(test.text), bounds)
		var wrong *yamltext.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestOneDocument(t *testing.T) {
	for _, text := range []string{
		"a: b\n", "---\na: b\n", "a: b\n---\n", "# about\n---\na: b\n...\n", "a: b\n--- # no more\n",
	} {
		if a, ok := yamltext.Find(parse(t, text), "a"); !ok || a.Key != "a" {
			t.Errorf("%q: no key a", text)
		}
	}
	for _, text := range []string{"", "\n", "# nothing\n", "---\n"} {
		if root := parse(t, text); root != nil {
			t.Errorf("%q is %v, want nothing", text, root)
		}
	}
}

const networks = `# of IRC
networks:
  - name: Libera
    port: 6697
  - {name: 'OFTC', tls: true}
"quoted key": |
  text
`

func TestPositions(t *testing.T) {
	root := parse(t, networks)
	for _, test := range []struct {
		path     string
		key, val string
	}{
		{"networks", "line 2, column 1", "line 3, column 3"},
		{"networks/[0]", "line 3, column 5", "line 3, column 5"},
		{"networks/[0]/port", "line 4, column 5", "line 4, column 11"},
		{"networks/[1]", "line 5, column 5", "line 5, column 5"},
		{"networks/[1]/tls", "line 5, column 20", "line 5, column 25"},
		{"quoted key", "line 6, column 1", "line 6, column 15"},
	} {
		e, ok := yamltext.Find(root, strings.Split(test.path, "/")...)
		key, val := e.Position().String(), yamltext.PositionOf(e.Value).String()
		if !ok || key != test.key || val != test.val {
			t.Errorf("%s: %v, key at %s, value at %s; want %s, %s", test.path, ok, key, val, test.key, test.val)
		}
	}
	for path, want := range map[string]string{
		"networks/[2]/name": "networks", "networks/[1]/port": "[1]", "networks/x": "networks", "none": "",
	} {
		if at, ok := yamltext.Find(root, strings.Split(path, "/")...); ok || at.Key != want {
			t.Errorf("Find(%s) arrives at %q, %v; want %q", path, at.Key, ok, want)
		}
	}
	for at, want := range map[yamltext.Position]string{{Line: 3, Column: 7}: "a.yaml:3:7", {}: "a.yaml"} {
		if got := at.In("a.yaml"); got != want {
			t.Errorf("In = %q, want %q", got, want)
		}
	}
}

func TestReaderReportsAndGoesOn(t *testing.T) {
	var got []string
	r := yamltext.Reader{Report: func(at yamltext.Position, problem string) {
		got = append(got, fmt.Sprint(at, ": ", problem))
	}}
	text := "b: [x, {y: z}, 7]\na: w\n<<: {k: l}\nc:\nd: &x [1]\ne: *x\nf: !!str 1\n"
	for _, e := range r.Mapping(parse(t, text), "the text is a mapping") {
		for _, item := range r.List(e.Value, e.Key+" is a list") {
			if text, ok := r.Text(item, "an item is a text"); ok {
				got = append(got, text)
			}
		}
	}
	want := []string{
		"line 3, column 1: a key is a word; this is \"<<\"",
		"x", "line 1, column 8: an item is a text; this is a mapping", "7",
		`line 2, column 4: a is a list; this is "w"`,
		"line 4, column 3: c is a list; this is empty",
		"line 5, column 4: d is a list; this is an anchor or an alias, which is not used here",
		"line 6, column 4: e is a list; this is an anchor or an alias, which is not used here",
		"line 7, column 4: f is a list; this is a tag, which is not used here",
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// FuzzParse: no text panics, here or in what walks the tree; errors are placed within the text, and what is written as
// a number stands where its node says.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		networks, "", "{a, a}", "a: &x {b: *x}\n<<: *x\n", "? a\n: b\n",
		"a: 0123\nb: [1.10, ~, !!str 1]\n", "---\r\na:\r\n- |2\r\n   b\r\n",
		"- - ? [a]\n", "é: 1\n\"ü\": [ö, 2]\n", "a: |\nb: >+\n\n  c\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 2000 {
			return
		}
		root, err := yamltext.Parse(text, bounds)
		lines := strings.Split(strings.ReplaceAll(string(text), "\r", "\n"), "\n")
		if err != nil {
			var wrong *yamltext.Error
			if !errors.As(err, &wrong) || wrong.Line < 0 || wrong.Line > len(lines)+1 || !utf8.ValidString(wrong.Problem) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		walk(t, root)
	})
}

func walk(t *testing.T, n ast.Node) {
	yamltext.Describe(n)
	r := yamltext.Reader{Report: func(yamltext.Position, string) {}}
	if _, ok := yamltext.Text(n); ok && yamltext.IsEmpty(n) {
		t.Errorf("%v is a text and empty", n)
	}
	seen := map[string]bool{}
	for _, e := range r.Mapping(n, "") {
		if seen[e.Key] {
			t.Errorf("the key %q is there twice", e.Key)
		}
		seen[e.Key] = true
		if at, ok := yamltext.Find(n, e.Key); !ok || at != e || e.Position().Line < 1 {
			t.Errorf("Find(%q) = %v, %v; want %v", e.Key, at, ok, e)
		}
		walk(t, e.Value)
	}
	for _, item := range r.List(n, "") {
		walk(t, item)
	}
}
