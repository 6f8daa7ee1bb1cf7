package prefs

import (
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// defaults returns the filters of a new user. They match what others do to the user's packages, and messages that
// mention the user. They are few and leave out the user's own actions, those of bots, and the sorts of things that most
// people do not wait for, because people turn off what is loud.
//
// Who can name anybody as the one who did it could hide from the users what is done in their names. So where the site
// verifies, these filters ask for a proved sender, and a third one tells of what is said to be the user's own work and
// is not proved.
func defaults(verified bool) []Filter {
	me := rulespec.Args{"name": {rulespec.Me}}
	others := func(name string, about rulespec.Rule) Filter {
		rules := []rulespec.Rule{
			about,
			{Kind: "severity", Args: rulespec.Args{"least": {"info"}}},
			{Kind: "actor", Args: me, Not: true},
			{Kind: "bot", Not: true},
		}
		if verified {
			rules = append(rules, rulespec.Rule{Kind: "signed"})
		}
		return Filter{On: true, Filter: rulespec.Filter{Name: name, Rules: rules}}
	}
	mine := others("My packages", rulespec.Rule{Kind: "owner", Args: rulespec.Args{"user": {rulespec.Me}}})
	mine.Rules = append(mine.Rules, rulespec.Rule{Kind: "keyword", Args: rulespec.Args{"name": quiet()}, Not: true})
	all := []Filter{
		mine,
		others("About me", rulespec.Rule{Kind: "user", Args: me}),
	}
	if verified {
		all = append(all, Filter{On: true, Filter: rulespec.Filter{Name: "In my name, but not proved",
			Rules: []rulespec.Rule{{Kind: "actor", Args: me}, {Kind: "signed", Not: true}}}})
	}
	return all
}

// quiet gives the keywords that a new user does not hear of.
func quiet() []string {
	var words []string
	for _, k := range catalogue.Keywords {
		if k.Quiet() {
			words = append(words, string(k))
		}
	}
	return words
}

func (s *Accounts) createDefaults(tx *gorm.DB, userID uint) error {
	for _, f := range defaults(s.verified()) {
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
