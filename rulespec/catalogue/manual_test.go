package catalogue

import (
	"os"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

const manual = "../../doc/catalogue.md"

func readManual(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestManualListsEveryKey(t *testing.T) {
	text := readManual(t)
	for _, key := range append(append([]string{}, appKeys...), entryKeys...) {
		if !strings.Contains(text, "| `"+key+"`") {
			t.Errorf("doc/catalogue.md does not explain the key %s", key)
		}
	}
	for _, name := range given {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("doc/catalogue.md does not explain the name %s", name)
		}
	}
}

// TestManualExampleIsTrue runs the worked example.
func TestManualExampleIsTrue(t *testing.T) {
	text := readManual(t)
	_, rest, _ := strings.Cut(text, "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	c := loadSite(t, example)
	line := func(days string) *Event {
		return c.Describe(&bus.Message{Topic: "org.example.prod.library.book.returned",
			Body: body(t, `{"agent": "alice", "book": {"id": 42,
			"title": "Tea and Time", "owner": {"name": "bob"}}, "days": `+days+`, "allowed": 14, "packages": ["tea"], "url": "/books/42"}`)})
	}
	late, inTime := line("30"), line("3")
	for _, want := range []string{late.Prose().Summary, late.Prose().Link, late.Objects[0], late.Severity.String()} {
		if !strings.Contains(text, "`"+want+"`") {
			t.Errorf("the manual does not say %q", want)
		}
	}
	if inTime.Kind != "library.book" || strings.Join(late.Users, " ") != "alice bob" {
		t.Errorf("got %s, users %q", inTime.Kind, late.Users)
	}
}
