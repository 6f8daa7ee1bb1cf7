package catalogue

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// accounts gives what is known about the people of the message.
func (s *scope) accounts() *values.Accounts {
	body, _ := s.source.Body.(map[string]any)
	told, _ := body["fas_usernames"].(map[string]any)
	return &values.Accounts{
		Map:    s.catalogue.accounts,
		App:    s.app.name,
		Domain: values.Domain(s.topic.Root),
		Same:   s.app.same(s.topic.Root) || told == nil && !bridged(body),
		Told:   told,
	}
}

// bridged reports whether a body came through a web hook of another site: {"body": …, "headers": …, "agent": …}. A
// forge whose messages stand on the bus by themselves speaks of its own accounts.
func bridged(body map[string]any) bool {
	_, wrapped := body["body"].(map[string]any)
	_, hasAgent := body["agent"]
	_, hasHeaders := body["headers"]
	return wrapped && (hasAgent || hasHeaders)
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

// isRoot reports whether a text can be the root of topics: org.example, opensuse.
func isRoot(text string) bool {
	for word := range strings.SplitSeq(text, ".") {
		if !topics.IsApp(word) {
			return false
		}
	}
	return true
}
