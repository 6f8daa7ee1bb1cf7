package catalogue

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

func embeddedCatalogue(t testing.TB) *Catalogue {
	t.Helper()
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return c
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

func TestSeverityWords(t *testing.T) {
	for _, s := range []Severity{Debug, Info, Warning, Error, Critical} {
		parsed, err := ParseSeverity(strings.ToUpper(s.String()))
		if err != nil || parsed != s {
			t.Errorf("%v reads back as %v, %v", s, parsed, err)
		}
	}
	if _, err := ParseSeverity("loud"); err == nil {
		t.Error("loud is taken for a severity")
	}
}

func TestHeadersComeFirst(t *testing.T) {
	m := &bus.Message{Topic: "org.fedoraproject.prod.bodhi.update.comment",
		Headers: map[string]any{"fedora_messaging_user_alice": true, "fedora_messaging_rpm_bash": true,
			"fedora_messaging_group_cooks": true, "fedora_messaging_severity": json.Number("30")},
		Body: body(t, `{"comment":{"author":"bob","update":{"title":"zsh-1-1"}}}`)}
	e := embeddedCatalogue(t).Describe(m)
	if strings.Join(e.Packages, " ") != "bash" || !strings.Contains(strings.Join(e.Users, " "), "alice") ||
		e.Severity != Warning || strings.Join(e.Groups, " ") != "cooks" {
		t.Errorf("got users %q, packages %q, severity %v, groups %q", e.Users, e.Packages, e.Severity, e.Groups)
	}
}
