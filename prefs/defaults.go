package prefs

import (
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
)

// Defaults gives the filters that a new user begins with: what others do to the user's packages and what refers to the
// user. Few, and never what the user did: people turn off what is loud.
func Defaults() []Filter {
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

// Offer leaves out of what new users begin with the filters that useful does not hold for, such as one that asks a
// directory where there is none: a newcomer should not begin with something broken. Call it before the Store is used.
func (s *Store) Offer(useful func(Filter) bool) { s.useful = useful }

func (s *Store) createDefaults(tx *gorm.DB, userID uint) error {
	for _, f := range Defaults() {
		if s.useful != nil && !s.useful(f) {
			continue
		}
		f.UserID, f.Owner = userID, rulespec.Me // the name may be one that rules cannot say
		row, err := newFilterRow(f, s.micro())
		if err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}
