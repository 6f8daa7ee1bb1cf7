package accounts

import (
	"slices"
	"strings"
	"time"
)

// A SignUp says who may make an account.
type SignUp string

// Everybody who proves an address or an identity; who has an address of some domains; who is in one of some groups; who
// is invited; nobody. Whoever is invited may also where domains or groups decide.
const (
	SignUpOpen    SignUp = "open"
	SignUpDomains SignUp = "domains"
	SignUpGroups  SignUp = "groups"
	SignUpInvited SignUp = "invited"
	SignUpClosed  SignUp = "closed"
)

// SignUps are all of them.
var SignUps = []SignUp{SignUpOpen, SignUpDomains, SignUpGroups, SignUpInvited, SignUpClosed}

// InvitationLife is how long an invitation can be taken up, where the configuration says nothing.
const InvitationLife = 14 * 24 * time.Hour

// A Policy is who may make an account on this site.
type Policy struct {
	SignUp         SignUp // "": open
	Domains        []string
	Groups         []string
	InvitationLife time.Duration
}

// A Newcomer is somebody who has no account, and what they have proved.
type Newcomer struct {
	Mail    string   // an address that they read mail of; "" where none is proved
	Name    string   // a proved name on the bus; "" where there is none
	Groups  []string // those that the provider or the directory says
	Invited bool     // an operator has invited the address or the name
}

// A Refusal is why somebody may not come in, for that person. It says nothing of whether others have an account.
type Refusal struct{ Text string }

// Error returns the reason as a sentence.
func (r *Refusal) Error() string { return r.Text }

// Admit returns a *Refusal where a newcomer may not make an account.
func (p Policy) Admit(n Newcomer) error {
	const ask = " Ask those who run this service, if you think that you should have one."
	switch p.SignUp {
	case SignUpOpen, "":
		return nil
	case SignUpDomains:
		if n.Invited || p.fromDomain(n.Mail) {
			return nil
		}
		return &Refusal{"Accounts here are for people with a mail address of " + among(p.Domains) + "." + ask}
	case SignUpGroups:
		if n.Invited || slices.ContainsFunc(n.Groups, func(g string) bool { return slices.Contains(p.Groups, g) }) {
			return nil
		}
		return &Refusal{"Accounts here are for members of " + among(p.Groups) + ", and you are not known as one." + ask}
	case SignUpInvited:
		if n.Invited {
			return nil
		}
		return &Refusal{"Accounts here are for people who were invited, and there is no invitation for you, or it is too " +
			"old." + ask}
	}
	return &Refusal{"No new accounts are made here." + ask}
}

// Says describes who may make an account, for everybody to read; "" where everybody may.
func (p Policy) Says() string {
	switch p.SignUp {
	case SignUpOpen, "":
		return ""
	case SignUpDomains:
		return "New accounts are for people with a mail address of " + among(p.Domains) + "."
	case SignUpGroups:
		return "New accounts are for members of " + among(p.Groups) + "."
	case SignUpInvited:
		return "New accounts are for people who were invited."
	}
	return "No new accounts are made here."
}

// fromDomain reports whether an address is in one of the domains. "*.example.org" is every domain below example.org.
func (p Policy) fromDomain(address string) bool {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return false
	}
	domain := strings.ToLower(address[at+1:])
	return slices.ContainsFunc(p.Domains, func(d string) bool {
		d = strings.ToLower(d)
		if below, ok := strings.CutPrefix(d, "*"); ok {
			return strings.HasPrefix(below, ".") && strings.HasSuffix(domain, below)
		}
		return domain == d
	})
}

// among lists a few names: "a.example, b.example or c.example".
func among(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + " and some others"
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
