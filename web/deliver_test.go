package web_test

import (
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// deliver does what the router does for one filter and a message that is in the history.
func (s *testSite) deliver(user string, f prefs.Filter, message string) {
	s.t.Helper()
	ctx := s.t.Context()
	r, err := s.history.Get(ctx, message, readers.Sources{})
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := r.Message()
	if err != nil {
		s.t.Fatal(err)
	}
	err = s.db.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		all, err := prefs.NewCache(s.prefs.Subscriptions, 1, 0).Read(tx, []rulespec.FilterID{f.ID})
		if err != nil {
			return err
		}
		var hits []prefs.Subscription
		for _, sub := range all {
			if sub.User.Name == user {
				hits = append(hits, *sub)
			}
		}
		_, err = s.outbox.Add(tx, prefs.Plan(s.meaning.Describe(m), hits, s.now(), s.links))
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// explain says why somebody gets a notice, as the daemon does.
func (s *testSite) explain(tx *gorm.DB, asked []outbox.Unexplained) ([]outbox.Explained, error) {
	return s.prefs.Reasons.Explain(tx, asked, s.links)
}
