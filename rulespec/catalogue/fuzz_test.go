package catalogue

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/notifyd/notifyd/bus"
)

// FuzzCatalogueYAML loads any text as a site's file, and describes messages with what loads: an error with a place, or
// a catalogue that works; never a panic.
func FuzzCatalogueYAML(f *testing.F) {
	files, err := filepath.Glob("apps/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:min(len(data), 4000)])
	}
	for _, seed := range []string{
		"app: shop\nentries:\n  - {topic: 'shop.{a}.{rest...}', kind: k, name: n, summary: '{{.a}} {{.rest}}', users: " +
			"[msg.a, 'map(msg.b, .c)']}",
		"app: shop\nvars: {a: b + 1, b: msg.x[0:3]}\ntables: {t: {a: b}}\nentries:\n  - {topic: shop.x, kind: k, name: n, " +
			"summary: '{{range .a}}{{.}}{{end}}'}",
		"app: &a x\ntitle: *a\n", "a: b\n---\nc: d", "? a\n: b", "- - - -", "{a: [}", "app: !!binary x",
		"%YAML 1.2\n---\napp: x", "app: |\n  x\n y", "\xff\xfe",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		app, mistakes := readApp("fuzz.yaml", data, false)
		for _, m := range mistakes {
			if m.Error() == "" {
				t.Error("a mistake without words")
			}
		}
		if app == nil || len(mistakes) > 0 {
			return
		}
		c, more := build([]*appSource{app})
		if len(more) > 0 {
			return
		}
		for _, topic := range []string{app.name.text + ".a.b", "git.receive", "shop.x"} {
			e := c.Describe(&bus.Message{Topic: "org.example.prod." + topic,
				Body: map[string]any{"a": []any{"x", nil}, "b": map[string]any{"c": "d"}}})
			e.Prose()
			e.Phase()
			e.Roles()
		}
	})
}

// TestSitesAreReadOnce keeps a folder's oddities from stopping the start: only *.yaml and *.yml files count.
func TestSitesAreReadOnce(t *testing.T) {
	c, err := Load(fstest.MapFS{
		"README.md": {Data: []byte("not: [yaml")}, ".hidden.yaml": {Data: []byte("not: [yaml")},
		"sub/x.yaml": {Data: []byte("not: [yaml")},
		"shop.yml":   {Data: []byte("app: shop" + goodEntry)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := c.Describe(&bus.Message{Topic: "shop.sold"}); e.Kind != "shop.sold" {
		t.Errorf("shop.yml was not read: %s", e.Kind)
	}
}
