package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/notifyd/notifyd/rulespec/kindtest"
)

// TestGate: the guided form, the text form and the import take what every other way in takes.
func TestGate(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	for _, c := range kindtest.GateCases() {
		form := []string{"do", "save", "name", c.Name, "where", "all"}
		for i, r := range c.Rules {
			form = append(form, fmt.Sprintf("r%d.kind", i), r.Kind)
			if r.Not {
				form = append(form, fmt.Sprintf("r%d.not", i), "not")
			}
			for param, values := range r.Args {
				for _, value := range values {
					form = append(form, fmt.Sprintf("r%d.%s", i, param), value)
				}
			}
		}
		ways := map[string]answer{
			"text form": alice.post("/filters", "do", "save", "mode", "text", "text", string(c.Text())),
			"import":    alice.post("/settings/import", "text", string(c.Text())),
		}
		if !c.Unwritten {
			ways["guided form"] = alice.post("/filters", form...)
		}
		want := http.StatusSeeOther
		if c.Problem != "" {
			want = http.StatusUnprocessableEntity
		}
		for way, got := range ways {
			if got.status != want {
				t.Errorf("%s: the %s answers %d, want %d", c.Name, way, got.status, want)
			}
		}
		for _, f := range s.filters("alice") {
			if err := s.prefs.Filters.Delete(t.Context(), s.user("alice").ID, f.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}
