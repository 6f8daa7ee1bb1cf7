package catalogue

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// gap is what no sentence may show: empty brackets and quotes, punctuation with nothing before it or after it, and a
// preposition at the end.
var gap = regexp.MustCompile(`\(\W*\)|\[\]|""|[:#]$| [:,.)]|[#:][:,]|^[^\pL\pN"]|\b(?:to|of|in|for|from|on|as|by|at|with|into|than)$|\s(?:of|to|from|in|for) (?:to|of|in|for|from)\b`)

// TestSentencesOfEmptyBodies reads the sentence of every entry for a message that says nothing.
func TestSentencesOfEmptyBodies(t *testing.T) {
	c := embeddedCatalogue(t)
	for _, k := range c.Kinds() {
		examples, err := c.Examples(k.Kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range examples {
			line, err := json.Marshal(map[string]any{"topic": x.Message.Topic, "msg_id": "1", "msg": map[string]any{}})
			if err != nil {
				t.Fatal(err)
			}
			m, err := bus.DecodeLine(line, time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			e := c.Describe(m)
			p := e.Prose()
			if p.Summary == "" || gap.MatchString(strings.ReplaceAll(p.Summary, "signed in to", "entered")) {
				t.Errorf("%s (%s): %q", e.Kind, m.Topic, p.Summary)
			}
			if p.Link != "" && wholeLink(p.Link, nil) == "" {
				t.Errorf("%s (%s): link %s", e.Kind, m.Topic, p.Link)
			}
		}
	}
}
