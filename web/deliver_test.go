package web_test

import (
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history/readers"
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
	all, err := prefs.NewCache(s.prefs.Subscriptions, 1, 0).Read(s.db.Reader.WithContext(ctx), []rulespec.FilterID{f.ID})
	if err != nil {
		s.t.Fatal(err)
	}
	var hits []prefs.Subscription
	for _, sub := range all {
		if sub.User.Name == user {
			sub.Sentence = strings.ToUpper(sub.Sentence[:1]) + sub.Sentence[1:]
			hits = append(hits, *sub)
		}
	}
	err = s.db.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		_, err := s.outbox.Add(tx, prefs.Plan(s.meaning.Describe(m), hits, s.now(), s.links))
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
