package signin

import (
	"net/http"
	"slices"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// wants are the claims that the configuration reads.
func (p Provider) wants() []string {
	names := []string{p.MailClaim}
	for _, name := range []string{p.NameClaim, p.GroupsClaim} {
		if name != NoClaim {
			names = append(names, name)
		}
	}
	for name := range p.Require {
		names = append(names, name)
	}
	for name := range p.Refuse {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// lacks reports whether a claim that the configuration reads is not there.
func (p Provider) lacks(c claims) bool {
	return slices.ContainsFunc(p.wants(), func(name string) bool {
		_, there := c.find(name)
		return !there
	})
}

// identity reads who somebody is from their claims.
func (p *provider) identity(subject string, c claims) (Identity, error) {
	var id Identity
	id.Way, id.Title, id.Issuer, id.Subject, id.Name = p.name, p.Title, p.Issuer, subject, ""
	if p.NameClaim != NoClaim {
		id.Name = c.word(p.NameClaim)
	}
	if p.GroupsClaim != NoClaim {
		id.Groups, id.GroupsKnown = c.groups(p.GroupsClaim)
		for i, g := range id.Groups {
			id.Groups[i] = p.GroupsPrefix + g
		}
	}
	if c.truth(p.MailClaim + "_verified") {
		id.Mail = c.word(p.MailClaim)
	}
	for name, value := range p.Refuse {
		if has, _ := c.has(name, value); has {
			id.Disabled = accounts.SaidBy(p.Title, name, value)
		}
	}
	for name, value := range p.Require {
		has, there := c.has(name, value)
		if !there { // unknown is not "no": nobody is disabled by it, but nobody gets in
			return Identity{}, &Problem{http.StatusForbidden, p.Title + " did not say whether you may use this site. Whoever " +
				"runs it has to look at the claim " + name + ".", nil}
		}
		if !has {
			id.Disabled = accounts.NotSaidBy(p.Title, name, value)
		}
	}
	return id, nil
}
