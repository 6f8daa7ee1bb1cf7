package nodes_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// The people of a row, each with a filter for everything: three get mail at once, one a digest, one is told on IRC.
const (
	mailPeople = 3
	digester   = "dora@example.org"
	chatter    = "ivy"
)

func mailAddress(n int) string { return fmt.Sprintf("mia%d@example.org", n) }

// digestAfter is when a digest goes at the latest, and digestAt at how many notices.
const (
	digestAfter = time.Minute
	digestAt    = 25
)

// makePeople makes the tables and the people; who gets digests only if the row has the time to wait for them.
func makePeople(t testing.TB, dsn string, digests bool) {
	t.Helper()
	withPrefs(t, dsn, func(s *prefs.Store) {
		for n := range mailPeople {
			register(t, s, fmt.Sprint("mia", n), "email", mailAddress(n))
		}
		register(t, s, chatter, "irc", chatter+"@net")
		if !digests {
			return
		}
		dora := register(t, s, "dora", "email", digester)
		all, err := s.Destinations.List(t.Context(), dora)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Destinations.SetSchedule(t.Context(), dora, all[0].ID,
			schedule.Schedule{Every: digestAfter, Count: digestAt})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func withPrefs(t testing.TB, dsn string, f func(*prefs.Store)) {
	t.Helper()
	d, err := migrations.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f(prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
		ClaimedNames: func() bool { return true }}))
}

// register makes a person who wants everything at one address.
func register(t testing.TB, s *prefs.Store, name, backend, address string) uint {
	t.Helper()
	user, err := s.Accounts.Register(t.Context(), name, "", backend, address)
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := s.Filters.List(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range defaults {
		if err := s.Filters.Delete(t.Context(), user.ID, f.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.Filters.Save(t.Context(), user.ID, prefs.Filter{
		Filter: rulespec.Filter{Name: "Everything", Rules: []rulespec.Rule{{Kind: "everything"}}}, On: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return user.ID
}
