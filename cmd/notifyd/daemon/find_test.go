package daemon

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
)

// A finding is a source that finds its publishers while it runs, and has a complaint.
type finding struct{ found bool }

func (f finding) Run(context.Context, *bus.Intake) error { return nil }
func (f finding) Finds() bool                            { return f.found }
func (f finding) Reserve(func() []string)                {}
func (f finding) Warnings() []string                     { return []string{"the list is torn"} }

// TestNamesThatAreFound: a section may name a source that is not there yet, where sources are found.
func TestNamesThatAreFound(t *testing.T) {
	set := defaultSettings()
	set.Trust.Sources = map[string]trust.Source{"later": {Trusted: true}}
	set.Trust.SetDefaults()
	set.Backlog.SetDefaults()
	set.Backlog.Sources = []string{"later too"}
	f, err := config.Read("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkNames(f, set, map[string]bus.Source{"x": finding{true}}); err != nil {
		t.Errorf("error %v", err)
	}
	err = checkNames(f, set, map[string]bus.Source{"x": finding{false}})
	for _, want := range []string{"bus.trust: sources.later", `bus.backlog: sources: "later too"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one of %s", err, want)
		}
	}
}

// TestReadyzWarnsOfSources shows what a source complains about.
func TestReadyzWarnsOfSources(t *testing.T) {
	s, err := openTestService(t, filepath.Join(t.TempDir(), "notifyd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.sources["x"] = finding{true}
	w := httptest.NewRecorder()
	s.operatorPages().ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	var answer struct{ Warnings []string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(answer.Warnings, "the list is torn") {
		t.Errorf("warnings %q", answer.Warnings)
	}
}
