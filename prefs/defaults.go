package prefs

import (
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
)

// defaults returns the filters of a new user. They match what others do to the user's packages, and messages that
// mention the user. They are few and leave out the user's own actions, because people turn off what is loud.
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
		f.UserID, f.Owner = userID, rulespec.Me // rules may be unable to express the name
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
