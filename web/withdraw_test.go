package web_test

import (
	"context"
	"net/http"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// TestWhatWaitsFollowsItsDestination: who switches an address off, deletes it or stops it by a link gets nothing more
// there, not even what was planned before.
func TestWhatWaitsFollowsItsDestination(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(*testing.T, *testSite, *visitor)
		want outbox.State
	}{
		{"nothing is done", func(*testing.T, *testSite, *visitor) {}, outbox.Waiting},
		{"switched off", func(t *testing.T, _ *testSite, v *visitor) {
			v.post("/destinations/1/off").to(t,
				"/destinations/1")
		}, outbox.Dead},
		{"paused", func(t *testing.T, _ *testSite, v *visitor) {
			v.post("/destinations/1/pause").to(t, "/destinations/1")
		}, outbox.Dead},
		{"deleted", func(t *testing.T, _ *testSite, v *visitor) { v.post("/destinations/1/delete").to(t, "/destinations") },
			outbox.Dead},
		{"stopped by a link", func(t *testing.T, s *testSite, _ *visitor) {
			s.visitor().post(s.links.Manage(1), "stop", "yes").want(t, 200, "Stopped")
		}, outbox.Dead},
		{"account deleted", func(t *testing.T, _ *testSite, v *visitor) { v.post("/settings/delete", "confirm", "alice") },
			outbox.Dead},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, "")
			alice := s.signUp("alice")
			s.otherWayIn("alice")
			if err := s.queue(t.Context(), outbox.Delivery{Message: "m1", Destination: prefs.Key(1), Backend: "email",
				Address: "alice@example.org", DueAt: s.now()}); err != nil {
				t.Fatal(err)
			}
			c.act(t, s, alice)
			rows, err := s.outbox.OfMessage(t.Context(), "m1", []string{prefs.Key(1)})
			if err != nil || len(rows) != 1 || rows[0].State != c.want {
				t.Errorf("the waiting notice is %+v, %v; want it %s", rows, err, c.want)
			}
		})
	}
}

// TestNothingIsHalfClosed lets the outbox refuse: then the destination or the account is as it was, and says so.
func TestNothingIsHalfClosed(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	s.otherWayIn("alice")
	alice.fails = true
	s.onClose = func(*gorm.DB, []string, string) error { return context.Canceled }
	for _, path := range []string{"/destinations/1/off", "/destinations/1/delete", "/settings/delete", s.links.Manage(1)} {
		alice.post(path, "confirm", "alice", "stop", "yes").want(t, http.StatusInternalServerError)
		if ds := s.destinations("alice"); len(ds) != 1 || !ds[0].On {
			t.Errorf("after %s alice has %+v", path, ds)
		}
	}
}
