package catalogue

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// accountsOf gives what is known about the people of a message of an application, a, which is nil where the catalogue
// does not have it.
func (c *Catalogue) accountsOf(a *app, name, root string, content any) *values.Accounts {
	body, _ := content.(map[string]any)
	told, _ := body["fas_usernames"].(map[string]any)
	return &values.Accounts{
		Map:    c.accounts,
		App:    name,
		Domain: values.Domain(root),
		Same:   a != nil && a.same(root) || told == nil && !values.Bridged(body),
		Told:   told,
	}
}

// same reports whether the application's accounts are the community's in messages of a root.
func (a *app) same(root string) bool {
	return a.accountsSame || slices.Contains(a.accountsOf, root)
}

// asksAccounts reports whether variables are made of what is known about accounts.
func (e *entry) asksAccounts(names []string, depth int) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		v := e.vars[name]
		return name == language.Accounts || v != nil && v.fieldExpression != nil && depth < 20 &&
			e.asksAccounts(v.Needs(), depth+1)
	})
}
