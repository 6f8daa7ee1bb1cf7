package prefs_test

import (
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestNoticesAreThreadedByTheTicketNotByItsProject checks the object by which mail is threaded.
func TestNoticesAreThreadedByTheTicketNotByItsProject(t *testing.T) {
	meaning, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	m, err := bus.DecodeLine([]byte(`{"topic": "org.example.dev.pagure.issue.new", "msg": {"agent": "carol",
		"project": {"name": "tea", "fullname": "tea", "user": {"name": "alice"}},
		"issue": {"id": 4, "title": "Too hot", "user": {"name": "carol"}}}}`), time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	hit := prefs.Subscription{Destinations: []prefs.Destination{{ID: 1, Backend: "email",
		Address: "alice@example.org"}}}
	owed := prefs.Plan(meaning.Describe(m), []prefs.Subscription{hit}, time.Unix(0, 0), nil)
	want := []string{"ticket/tea#4", "project/tea"}
	if got := owed[0].Notice.Objects; !slices.Equal(got, want) {
		t.Errorf("objects %q, want %q: the thread first", got, want)
	}
}
