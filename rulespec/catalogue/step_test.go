package catalogue

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// TestStepsSayWhatTheMachineSays holds the fast way of computing values and sentences against the libraries whose
// languages they are in: on every fixture, both give the same.
func TestStepsSayWhatTheMachineSays(t *testing.T) {
	c := embeddedCatalogue(t)
	values, sentences := 0, 0
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, x := range readFixtures(t, file) {
			m, err := bus.DecodeLine(x.Message, time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			f, _ := c.find(m)
			if f == nil {
				continue
			}
			for _, v := range append(f.allValues(), variablesOf(f)...) {
				if v != nil && v.step != nil {
					values++
					sameValue(t, c, m, v)
				}
			}
			for _, p := range f.allProse() {
				if p != nil && p.writers != nil {
					sentences++
					sameSentence(t, c, m, p)
				}
			}
		}
	}
	if values < 1000 || sentences < 300 {
		t.Errorf("only %d values and %d sentences were held against each other", values, sentences)
	}
}

func variablesOf(f *frame) []*value {
	var all []*value
	for _, name := range sortedKeys(f.scope) {
		all = append(all, f.scope[name].value)
	}
	return all
}

func sameValue(t *testing.T, c *Catalogue, m *bus.Message, v *value) {
	t.Helper()
	f, _ := c.find(m)
	fast, err := v.eval(f)
	f, _ = c.find(m)
	slow, slowErr := (&expression{program: v.program, needs: v.needs}).eval(f)
	if (err == nil) != (slowErr == nil) || textOf(fast) != textOf(slow) || !reflect.DeepEqual(appendTexts(nil, fast, 0), appendTexts(nil, slow, 0)) {
		t.Errorf("%s %s: %#v, %v by steps, %#v, %v by the machine", v.at, v.source, fast, err, slow, slowErr)
	}
}

func sameSentence(t *testing.T, c *Catalogue, m *bus.Message, p *prose) {
	t.Helper()
	f, _ := c.find(m)
	fast, err := p.render(f)
	f, _ = c.find(m)
	slow, slowErr := (&sentence{tmpl: p.tmpl, needs: p.needs}).render(f)
	if fast != slow || (err == nil) != (slowErr == nil) {
		t.Errorf("%s %s: %q, %v by writers, %q, %v by the template", p.at, p.source, fast, err, slow, slowErr)
	}
}

// TestLoopsAreBounded: a message with long lists costs a bounded time, and what needed more is a failure.
func TestLoopsAreBounded(t *testing.T) {
	long := make([]any, maxList)
	for i := range long {
		long[i] = "x"
	}
	for _, src := range []string{`map(msg.l, map(msg.l, #))`, `[map(msg.l, map(msg.l, #)), count(msg.l, any(msg.l, # == "y"))]`} {
		x, err := compileExpression(src, map[string]bool{"msg": true})
		if err != nil || x.step == nil {
			t.Fatalf("%s: %v", src, err)
		}
		f := frameOf(map[string]any{"msg": map[string]any{"l": long}})
		if v, err := x.eval(f); err == nil || v != nil || f.visited > maxVisited+keepCost+maxList {
			t.Errorf("%s: %d elements visited, error %v", src, f.visited, err)
		}
	}
	s, err := compileSentence(`{{range .l}}{{range $.l}}{{end}}{{end}}`, map[string]bool{"l": true})
	if err != nil || s.writers == nil {
		t.Fatal(err)
	}
	f := frameOf(map[string]any{"l": long})
	if _, err := s.render(f); err != nil || f.visited > maxVisited+2*maxList {
		t.Errorf("%d elements visited, error %v", f.visited, err)
	}
}
