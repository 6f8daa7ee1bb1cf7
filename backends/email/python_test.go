package email

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// opinion is what Python's email package reads in a message.
type opinion struct {
	Subject, From, To, Text, HTML string
	Headers, Defects              []string
}

func python(t *testing.T, files map[string][]byte) map[string]opinion {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", append([]string{"testdata/read_mail.py"},
		slices.Collect(maps.Keys(files))...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]opinion
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func compare(t *testing.T, o opinion, m parsed) {
	t.Helper()
	if len(o.Defects) > 0 {
		t.Errorf("%s: Python finds defects %q", m.get("Message-Id"), o.Defects)
	}
	if o.Subject != m.get("Subject") || o.From != "Notices — Beispiel <notifyd@example.test>" ||
		!strings.HasSuffix(o.To, "@example.test") {
		t.Errorf("Python reads Subject %q From %q To %q, Go %q", o.Subject, o.From, o.To, m.get("Subject"))
	}
	if o.Text != m.text || o.HTML != m.html {
		t.Errorf("%s: Python and Go read different texts:\n%q\n%q", m.get("Message-Id"), o.Text, m.text)
	}
	for _, h := range o.Headers {
		if !slices.Contains(known, mailKey(h)) {
			t.Errorf("Python finds a header %q", h)
		}
	}
}
