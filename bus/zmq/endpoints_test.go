package zmq

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/internal/exectest"
)

// fedmsgConfig is of the form of what fedmsg-config prints.
const fedmsgConfig = `{
    "active": false,
    "crl_cache_expiry": 10.5,
    "endpoints": {
        "bodhi.app01": [
            "tcp://app01:3000",
            "tcp://app01:3001"
        ],
        "relay_inbound": ["tcp://127.0.0.1:2003"],
        "relay_outbound": "tcp:\/\/127.0.0.1:4001",
        "caf\u00e9 \"x\"": [],
        "star": ["tcp://*:3002"]
    },
    "logging": {"handlers": {"bare": {"format": "%(message)s", "nothing": null}}},
    "relay_inbound": ["tcp://127.0.0.1:2001"],
    "routing_policy": {}
}
`

func TestParseEndpoints(t *testing.T) {
	both := map[string]Addresses{"a": {"tcp://a:1"}, "b": {"tcp://b:1", "ipc:///run/b"}}
	for _, c := range []struct {
		name, text string
		want       map[string]Addresses
		mistake    string
	}{
		{"YAML", "a: tcp://a:1\nb:\n- tcp://b:1\n- ipc:///run/b\n", both, ""},
		{"JSON", `{"a": "tcp://a:1", "b": ["tcp://b:1", "ipc:///run/b"]}`, both, ""},
		{"endpoints in YAML", "endpoints:\n  a: [tcp://a:1]\n  b: [tcp://b:1, ipc:///run/b]\nelse: 1", both, ""},
		{"fedmsg-config", fedmsgConfig, map[string]Addresses{
			"bodhi.app01": {"tcp://app01:3000", "tcp://app01:3001"}, "relay_outbound": {"tcp://127.0.0.1:4001"},
			`café "x"`: {}, "star": {"tcp://*:3002"},
		}, ""},
		{"a publisher called endpoints", "endpoints: tcp://a:1", map[string]Addresses{"endpoints": {"tcp://a:1"}}, ""},
		{"nobody", "", map[string]Addresses{}, ""},
		{"nobody in JSON", "{}", map[string]Addresses{}, ""},
		{"nobody in the configuration", `{"endpoints": {}}`, map[string]Addresses{}, ""},
		{"a name that is a number", "1: tcp://a:1", map[string]Addresses{"1": {"tcp://a:1"}}, ""},

		{"a list", "- tcp://a:1", nil, "line 1, column 1: names with addresses were expected"},
		{"no address", "a: tcp://a:1\nb: host", nil, `line 2, column 4: b: address "host"`},
		{"several", "a: x\nb:\n- tcp://b:1\n- {}\nc: 7", nil, "line 4, column 3: b: an address"},
		{"no value", "a:", nil, "a: an address such as tcp://host:port, or a list of them, was expected; this is empty"},
		{"in JSON", "{\n  \"endpoints\": {\n    \"a\": [\"tcp://a\"]\n  }\n}", nil, "line 3, column 11: a: address"},
		{"twice", "a: tcp://*:1\nb: tcp://127.0.0.1:1", nil,
			"line 2, column 4: b: tcp://127.0.0.1:1 is listed already, in line 1, column 4"},
		{"a name twice", "a: tcp://a:1\na: tcp://b:1", nil, `line 2, column 1: the key "a" is there twice`},
		{"no name", `"": tcp://a:1`, nil, "a name of 1 to 255 visible characters"},
		{"a name that steers a terminal", `"\u001b[2J": tcp://a:1`, nil, "visible characters"},
		{"torn", `{"endpoints": {"a": ["tcp://a:1"`, nil, "line 1"},
		{"another protocol", "a: pgm://a:1", nil, "tcp://host:port or ipc:///path was expected"},
		{"too long", strings.Repeat("#", maxEndpointsFile+1), nil, "at most 1048576 are allowed"},
		{"too many names", manyNames(maxNames + 1), nil, "line 401, column 1: at most 400 names"},
		{"too many mistakes", strings.ReplaceAll(manyNames(50), "tcp", "udp"), nil, "and 40 more mistakes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseEndpoints([]byte(c.text))
			if c.mistake == "" && (err != nil || !reflect.DeepEqual(got, c.want)) {
				t.Errorf("%v, error %v; want %v", got, err, c.want)
			}
			if c.mistake != "" && (err == nil || !strings.Contains(err.Error(), c.mistake)) {
				t.Errorf("error %v, want %s", err, c.mistake)
			}
		})
	}
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "n%d: tcp://h%d:1\n", i, i)
	}
	return b.String()
}

// TestParseEndpointsAsPythonPrintsThem reads a large configuration as CPython's json prints it.
func TestParseEndpointsAsPythonPrintsThem(t *testing.T) {
	python := exectest.Program(t, "/usr/bin/python3")
	script := `import json
endpoints = {"app.n%03d" % i: ["tcp://app%03d.example.org:%d" % (i, 3000 + j) for j in range(4)] for i in range(300)}
endpoints["gr\u00fc\u00df \U0001F600"] = "tcp://[::1]:3999"
config = {"endpoints": endpoints, "io_threads": 1, "post_init_sleep": 0.5, "nothing": None, "deep": [[{"a": [1]}]],
          "routing_policy": {"org.x.prod.t%d" % i: ["signer-%d.example.org" % i] for i in range(500)}}
print(json.dumps(config, indent=4, sort_keys=True))`
	text, err := exec.Command(python, "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	found, err := ParseEndpoints(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 301 || len(found["app.n007"]) != 4 || found["app.n007"][3] != "tcp://app007.example.org:3003" ||
		len(found["grüß 😀"]) != 1 {
		t.Errorf("%d names, %v, %v", len(found), found["app.n007"], slices.Sorted(maps.Keys(found))[300:])
	}
}

// FuzzParseEndpoints: what is read is within the bounds, can be connected to, and is read again from what
// fedmsg-config would print of it.
func FuzzParseEndpoints(f *testing.F) {
	for _, text := range []string{
		fedmsgConfig, "a: tcp://a:1\nb:\n- tcp://b:1\n- ipc:///run/b\n", "a: &x tcp://a:1\nb: *x", "endpoints: tcp://[::1]:http",
		`{"endpoints": {"a": ["tcp://*:1"], "relay_inbound": 7}, "x": [[]]}`, "? a\n: tcp://a:1", "a: [x", "\ufeffa: tcp://a:1",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := ParseEndpoints(text)
		if err != nil {
			return
		}
		places := 0
		for name, addresses := range found {
			places += len(addresses)
			for _, a := range addresses {
				if _, err := parseAddress(a); err != nil || !isName(name) || name == inbound {
					t.Errorf("%q: %q: %v", name, a, err)
				}
			}
		}
		if len(found) > maxNames || places > maxPlaces {
			t.Errorf("%d names, %d addresses", len(found), places)
		}
		printed, err := json.Marshal(map[string]any{"endpoints": found})
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseEndpoints(printed)
		if err != nil || !reflect.DeepEqual(again, found) {
			t.Errorf("%q became %v of %s, error %v", found, again, printed, err)
		}
	})
}

func TestEndpointsFiles(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"20.yaml": "b: tcp://b:1", "10.json": `{"endpoints": {"a": "tcp://a:1"}}`, "30.yml": "c: []",
		"README": "not: ours", ".swp.yaml": "half a", "40.yaml~": "old: tcp://old:1",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(path string) (string, error) {
		content, err := endpointsFiles(path).Read()
		if err != nil {
			return "", err
		}
		places, err := content.Make()
		return fmt.Sprint(places), err
	}
	if got, err := read(folder); err != nil || got != "[{a {tcp a:1} } {b {tcp b:1} }]" {
		t.Errorf("%s, error %v", got, err)
	}
	if got, err := read(filepath.Join(folder, "20.yaml")); err != nil || got != "[{b {tcp b:1} }]" {
		t.Errorf("%s, error %v", got, err)
	}
	if _, err := read(filepath.Join(folder, "none.yaml")); err == nil {
		t.Error("a file that is not there lists nobody")
	}
	bad := filepath.Join(folder, "50.yaml")
	for text, want := range map[string]string{
		"a: tcp://other:1":         "50.yaml: a is named in " + filepath.Join(folder, "10.json"),
		"x: tcp://b:1":             "50.yaml: x: tcp://b:1 is listed in " + filepath.Join(folder, "20.yaml"),
		"x: tcp://x:1\ny: nowhere": bad + `:2:4: y: address "nowhere"`,
	} {
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
