package daemon

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestOperatorPages(t *testing.T) {
	s, err := openTestService(t, filepath.Join(t.TempDir(), "notifyd.db"))
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.operatorPages().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	ready := func() (status int, problem string) {
		w := get("/readyz")
		var said struct{ Problem string }
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
			t.Fatalf("/readyz says %q: %v", w.Body, err)
		}
		return w.Code, said.Problem
	}
	if w := get("/healthz"); w.Code != http.StatusOK {
		t.Errorf("/healthz: %d, want 200 whatever else is wrong", w.Code)
	}
	if status, problem := ready(); status != http.StatusServiceUnavailable || problem == "" {
		t.Errorf("/readyz before serve: %d %q, want 503 and why", status, problem)
	}
	s.ready.Store(true)
	if status, problem := ready(); status != http.StatusOK || problem != "" {
		t.Errorf("/readyz: %d %q, want 200", status, problem)
	}
	if w := get("/metrics"); !strings.Contains(w.Body.String(), "notifyd_build_info{") {
		t.Errorf("/metrics lacks notifyd_build_info:\n%s", w.Body)
	}
	if problems, err := testutil.GatherAndLint(s.metrics.registry); err != nil || len(problems) > 0 {
		t.Errorf("names of metrics: %v, %v", problems, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if status, problem := ready(); status != http.StatusServiceUnavailable || !strings.Contains(problem, "database") {
		t.Errorf("/readyz without a database: %d %q, want 503 that names it", status, problem)
	}
}
