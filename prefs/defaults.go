package prefs

import (
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
)

// defaults gives the filters that a new user begins with: what others do to the user's packages, and what mentions the
// user. They are few and leave out what the user did: people turn off what is loud.
func defaults() []Filter {
	me := rulespec.Args{"name": {rulespec.Me}}
	notMine := rulespec.Rule{Kind: "actor", Args: me, Not: true}
	return []Filter{
		{On: true, Filter: rulespec.Filter{Name: "My packages", Rules: []rulespec.Rule{
			{Kind: "owner", Args: rulespec.Args{"user": {rulespec.Me}}},
			{Kind: "severity", Args: rulespec.Args{"least": {"info"}}},
			notMine,
		}}},
		{On: true, Filter: rulespec.Filter{Name: "About me", Rules: []rulespec.Rule{
			{Kind: "user", Args: me},
			{Kind: "severity", Args: rulespec.Args{"least": {"info"}}},
			notMine,
		}}},
	}
}

func (s *Accounts) createDefaults(tx *gorm.DB, userID uint) error {
	for _, f := range defaults() {
		if !s.defaultFilter(f) {
			continue
		}
		f.UserID, f.Owner = userID, rulespec.Me // the name may be one that rules cannot say
		row, err := s.newFilterRow(f)
		if err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}
