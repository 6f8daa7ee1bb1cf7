package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/notifyd/notifyd/"

// allowed is the map of the house: it lists the rooms that each room may import. A folder inside a room may import
// its own room's contract and whatever that room may import.
var allowed = map[string][]string{
	"bus":          {"bus/expression", "bus/client", "bus/sessions"}, // bus/http/bridge posts by a client
	"bus/trust":    {"bus"},
	"bus/backlog":  {"bus"},
	"bus/pace":     {"bus"},
	"bus/gaps":     {"bus"},
	"bus/sessions": {"bus"},
	"bus/client":   {"bus", "bus/zmq", "bus/trust"},
	"backends": {"backends/irc/scram", // its own irc and the test server log in by it
		"backends/email/back", "backends/email/bounce"},
	"backends/email/back":   {"backends", "backends/email/bounce"},
	"backends/email/bounce": {},
	"migrations":            {},
	"directory":             {"directory/fetch"}, // sources ask web servers by it

	"directory/fetch":    {"directory", "directory/kerberos"},
	"directory/kerberos": {},

	"bus/expression": {},
	"bus/mail":       {"bus", "bus/expression"},

	"rulespec/catalogue": {"bus", "rulespec/catalogue/values", "rulespec/catalogue/topics",
		"rulespec/catalogue/language", "rulespec/catalogue/convention"},
	"rulespec/catalogue/values":     {"bus"},
	"rulespec/catalogue/topics":     {"bus", "rulespec/catalogue/values"},
	"rulespec/catalogue/language":   {"bus", "rulespec/catalogue/values"},
	"rulespec/catalogue/convention": {"rulespec/catalogue/values"},
	"rulespec/catalogue/suggest": {"bus", "rulespec/catalogue", "rulespec/catalogue/values", "rulespec/catalogue/topics",
		"rulespec/catalogue/convention"},

	"rulespec":          {"rulespec/catalogue", "bus"},
	"rulespec/kindtest": {"rulespec", "rulespec/catalogue", "bus"},
	"rules": {"rulespec", "rulespec/catalogue", "rules/automaton", "rules/literals", "rules/postings",
		"rules/programs", "rules/sections", "rules/vector"},
	"rules/automaton": {},
	"rules/literals":  {},
	"rules/postings":  {"rules/vector"},
	"rules/sections":  {},
	"rules/vector":    {},
	"rules/scan":      {"rulespec", "rulespec/catalogue"},
	"history": {"rulespec/catalogue", "bus", "bus/gaps", "history/retention", "history/partitions",
		"history/readers"},
	"history/retention":  {"bus"},
	"history/partitions": {},
	"history/readers":    {},
	"history/report": {"history", "history/readers", "rulespec", "rulespec/catalogue", "rulespec/catalogue/language",
		"rulespec/catalogue/topics", "rulespec/catalogue/values", "rules/scan", "bus"},
	"outbox": {"backends"},
	"prefs": {"rulespec", "rulespec/catalogue", "bus", "outbox", "backends", "prefs/accounts", "prefs/links",
		"prefs/schedule", "prefs/passkeys", "prefs/mute", "prefs/mutes", "prefs/surge", "prefs/returned", "prefs/rescue",
		"prefs/revisions", "prefs/looks"},
	"prefs/accounts":  {"backends"},
	"prefs/passkeys":  {"prefs/accounts"},
	"prefs/links":     {"rulespec"},
	"prefs/schedule":  {},
	"prefs/surge":     {},
	"prefs/looks":     {},
	"prefs/rescue":    {"prefs/accounts"},
	"prefs/revisions": {"outbox", "backends", "prefs/links", "rulespec"},
	"prefs/returned":  {},
	"prefs/gate":      {"prefs/schedule", "prefs/mute", "prefs/mutes", "outbox", "backends"},
	"prefs/erasure":   {"prefs", "outbox", "backends"},
	"prefs/personal":  {"prefs", "rulespec", "outbox", "backends"},
	"prefs/control": {"prefs", "prefs/accounts", "prefs/mute", "prefs/mutes", "prefs/schedule", "prefs/links", "outbox",
		"backends"},
	"prefs/mute":  {"rulespec/catalogue", "outbox", "backends"},
	"prefs/mutes": {"prefs/mute"},
	"web": {"prefs", "prefs/accounts", "prefs/mute", "prefs/links", "prefs/schedule", "history", "rules", "rules/scan", "rulespec",
		"rulespec/catalogue", "outbox", "backends", "bus", "history/report", "history/readers",
		"web/visit", "web/signin", "web/limit", "web/when"},
	"web/limits":  {"prefs", "prefs/rescue", "prefs/schedule", "outbox", "web/visit"},
	"web/when":    {"prefs", "prefs/schedule", "outbox", "rulespec", "web/visit"},
	"web/changes": {"prefs/accounts", "web/visit"},
	"web/mutes": {"prefs", "prefs/accounts", "prefs/links", "prefs/mute", "prefs/mutes", "prefs/schedule", "history",
		"history/readers", "rules/scan", "rulespec", "rulespec/catalogue", "outbox", "backends", "bus", "web/visit"},
	"web/download": {"prefs/personal", "web/visit"},
	"web/operators": {"prefs", "prefs/accounts", "prefs/passkeys", "outbox", "backends", "rulespec", "web/changes",
		"web/visit"},
	"web/visit":       {"prefs", "prefs/accounts"},
	"web/security":    {"prefs", "prefs/accounts", "prefs/passkeys", "backends", "outbox", "web/signin", "web/visit"},
	"web/signin":      {"prefs", "prefs/accounts", "web/visit", "web/limit", "backends"},
	"web/limit":       {},
	"web/datagrepper": {"history", "history/readers", "rulespec/catalogue", "bus"},

	"contrib/bench/archive": {},
}

// lists are the only folders that name every backend or every source, of messages or of the directory.
var lists = []string{"backends/all", "bus/all", "directory/all"}

// ofOne lists the commands that are about one backend or source by their nature. The rest of the program, above all
// the daemon, knows backends and sources only by the lists.
var ofOne = map[string][]string{
	"cmd/notifyd/demo/demo.go":      {"backends/email/fakesmtp", "backends/irc/ircsink", "bus/zmq"},
	"cmd/notifyd/demo/world.go":     {"backends/desktop"},
	"cmd/notifyd/demo/people.go":    {"backends/desktop", "backends/irc/ircsink"},
	"cmd/notifyd/desktop.go":        {"backends/desktop"},
	"cmd/notifyd/fedmsg/publish.go": {"bus/zmq"},
	"cmd/notifyd/fedmsg/zmq.go":     {"bus/zmq"},
	"cmd/notifyd/relay/relay.go":    {"bus/zmq"},
	"cmd/notifyd/relay.go":          {"bus/zmq"},
	"cmd/notifyd/pick.go":           {"bus/zmq"},
}

func TestLayoutImportsKeepTheirDirection(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".." && file != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		seen++
		checkImports(t, file, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Fatalf("saw only %d Go files from %s: the test looks in the wrong place", seen, root)
	}
}

func checkImports(t *testing.T, file, folder string) {
	room := roomOf(folder)
	if room == "cmd" {
		checkProgram(t, file, folder)
		return
	}
	may, known := allowed[room]
	if !known && !below(folder) {
		t.Errorf("%s: %s is no room of doc/architecture.md", file, folder)
		return
	}
	for _, imported := range importsOf(t, file) {
		if !mayImport(imported, folder, room, may) {
			t.Errorf("%s: %s must not import %s: see allowed in layout_test.go, and doc/architecture.md", file, room, imported)
		}
	}
}

// checkProgram checks the program's own files. They may import every room, but one backend or source only if ofOne
// allows it. The reader of the configuration may import nothing of ours.
func checkProgram(t *testing.T, file, folder string) {
	for _, imported := range importsOf(t, file) {
		room := roomOf(imported)
		inner := slices.Contains([]string{"backends", "bus", "directory"}, room) && imported != room &&
			!slices.Contains(lists, imported)
		if inner && !slices.Contains(ofOne[path.Join(folder, filepath.Base(file))], imported) {
			t.Errorf("%s names %s: only %s do, and commands that are about it (ofOne)", file, imported, lists)
		}
		if folder == "cmd/notifyd/config" && !below(imported) {
			t.Errorf("%s: the reader of the configuration must not import %s", file, imported)
		}
	}
}

// importsOf returns the folders of ours that a file imports.
func importsOf(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return nil
	}
	var folders []string
	for _, spec := range parsed.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if folder, ours := strings.CutPrefix(imported, module); ours {
			folders = append(folders, folder)
		}
	}
	return folders
}

// TestLayoutOfOneIsTrue fails for a row of ofOne that nothing needs: it would allow an import by mistake later.
func TestLayoutOfOneIsTrue(t *testing.T) {
	for file, folders := range ofOne {
		imports := importsOf(t, filepath.Join("..", "..", file))
		for _, folder := range folders {
			if !slices.Contains(imports, folder) {
				t.Errorf("%s does not import %s: take it out of ofOne", file, folder)
			}
		}
	}
}

func mayImport(imported, from, room string, may []string) bool {
	if slices.Contains(lists, from) {
		return roomOf(imported) == room
	}
	return imported == room && from != room || slices.Contains(may, imported) || below(imported) && !below(from)
}

// below reports whether a folder lies below all rooms: each of them may import it, and it imports none of ours.
func below(folder string) bool { return strings.HasPrefix(folder, "internal/") }

// roomOf returns the room of a folder: the longest path in the table that contains it.
func roomOf(folder string) string {
	for f := folder; f != "."; f = path.Dir(f) {
		if _, ok := allowed[f]; ok {
			return f
		}
	}
	return strings.SplitN(folder, "/", 2)[0]
}
