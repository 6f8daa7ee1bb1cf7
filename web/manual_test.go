package web_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/web"
)

// routeRow is a row of the table of routes in doc/web.md: a pattern, and the word open where nobody need sign in.
var routeRow = regexp.MustCompile("(?m)^\\| `((?:GET|POST) /[^`]*)`( open)? \\|")

// documentedRoutes reads the table of routes, and whether each is open.
func documentedRoutes(t *testing.T) map[string]bool {
	t.Helper()
	manual, err := os.ReadFile("../doc/web.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]bool)
	for _, m := range routeRow.FindAllStringSubmatch(string(manual), -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("doc/web.md has two rows for the route %s: remove one", m[1])
		}
		rows[m[1]] = m[2] != ""
	}
	return rows
}

func TestManualListsRoutes(t *testing.T) {
	t.Parallel()
	rows, routes := documentedRoutes(t), make(map[string]bool)
	for pattern, open := range web.Patterns() {
		routes[strings.TrimSuffix(pattern, "{$}")] = open
	}
	mark := map[bool]string{true: " open", false: ""}
	for _, pattern := range slices.Sorted(maps.Keys(routes)) {
		open := routes[pattern]
		row := "| `" + pattern + "`" + mark[open] + " | what it does |"
		listed, found := rows[pattern]
		switch {
		case !found:
			t.Errorf("doc/web.md lacks the route %s: add a row %s", pattern, row)
		case listed != open:
			t.Errorf("doc/web.md is wrong on who may use %s (open: %v): begin its row with %s",
				pattern, open, strings.TrimSuffix(row, " what it does |"))
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(rows)) {
		if _, found := routes[pattern]; !found {
			t.Errorf("doc/web.md has a row for %s, but routes() in web/routes.go has no such route: remove the row", pattern)
		}
	}
}
