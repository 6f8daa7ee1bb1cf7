// Package accounts is the section accounts of the configuration: who people are here, what lets them in, and who may
// do more. Package prefs/accounts does it.
package accounts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/signin"
)

// Settings are the section accounts.
type Settings struct {
	// Names says what a name on the bus is worth: Proved or Claimed.
	Names string `yaml:"names"`
	// SignUp says who may make an account: open, domains, groups, invited, closed.
	SignUp  accounts.SignUp  `yaml:"sign_up"`
	Domains []string         `yaml:"domains"` // of sign_up: domains
	Groups  []string         `yaml:"groups"`  // of sign_up: groups
	Invited Invited          `yaml:"invitations"`
	Admins  accounts.Members `yaml:"admins"`
	Helpers accounts.Members `yaml:"helpers"`
	// KeepAudit is how long it is kept who changed what.
	KeepAudit time.Duration `yaml:"keep_audit"`

	MailBudget int `yaml:"mail_budget"` // mails about accounts an hour, to addresses that nobody here has

	// Mail says that a mailed link lets its reader in.
	Mail bool `yaml:"mail"`
	// The ways in beside the mailed link.
	OIDC    map[string]signin.Provider `yaml:"oidc"`
	Header  signin.HeaderSettings      `yaml:"trusted_header"`
	Session Session                    `yaml:"session"`
	// Passkeys says that people may have some: then a mailed link asks for one. NewParty says where there can be any.
	Passkeys bool `yaml:"passkeys"`
}

// The values of names.
const (
	Proved  = "proved"
	Claimed = "claimed"
)

// leastAudit is for how long the audit is kept at least: people must see what an operator did yesterday.
const leastAudit = 7 * 24 * time.Hour

// Defaults are the settings of a site that says nothing of accounts.
func Defaults() Settings {
	return Settings{Names: Proved, SignUp: accounts.SignUpOpen, Invited: Invited{Life: accounts.InvitationLife},
		Mail: true, MailBudget: accounts.DefaultBudget, KeepAudit: accounts.KeepAudit,
		Session: Session(accounts.DefaultBounds), Passkeys: true}
}

// ClaimedNames reports whether everybody may choose a name and is believed.
func (s Settings) ClaimedNames() bool { return s.Names == Claimed }

// Policy is who may make an account.
func (s Settings) Policy() accounts.Policy {
	return accounts.Policy{SignUp: s.SignUp, Domains: s.Domains, Groups: s.Groups, InvitationLife: s.Invited.Life}
}

// Roles are the people who may do more.
func (s Settings) Roles() accounts.Roles { return accounts.Roles{Admins: s.Admins, Helpers: s.Helpers} }

// Check returns what is wrong with the settings; each mistake begins with the key below accounts.
func (s Settings) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.KeepAudit < leastAudit {
		bad("keep_audit: %s; expected at least %s", s.KeepAudit, leastAudit)
	}
	if s.Names != Proved && s.Names != Claimed {
		bad("names: %q; expected %s or %s", s.Names, Proved, Claimed)
	}
	if err := s.Session.check(); err != nil {
		errs = append(errs, err)
	}
	if !slices.Contains(accounts.SignUps, s.SignUp) {
		bad("sign_up: %q; expected one of %q", s.SignUp, accounts.SignUps)
	}
	if s.MailBudget < 1 || s.MailBudget > 1_000_000 {
		bad("mail_budget: %d; expected between 1 and 1000000 mails an hour", s.MailBudget)
	}
	if s.SignUp == accounts.SignUpDomains && len(s.Domains) == 0 {
		bad("sign_up: domains needs some in domains, such as [example.org]")
	}
	if s.SignUp == accounts.SignUpGroups && len(s.Groups) == 0 {
		bad("sign_up: groups needs some in groups, such as [packager]")
	}
	for _, domain := range s.Domains {
		if strings.ContainsAny(domain, "@ /") || strings.Trim(domain, ".") != domain || domain == "" {
			bad("domains: %q; expected a domain of mail addresses, such as example.org or *.example.org", domain)
		}
	}
	for key, names := range map[string][]string{
		"admins.names": s.Admins.Names, "helpers.names": s.Helpers.Names, "groups": s.Groups,
		"admins.groups": s.Admins.Groups, "helpers.groups": s.Helpers.Groups,
	} {
		for _, name := range names {
			if _, err := accounts.Clean(name); err != nil {
				bad("%s: %v", key, err)
			}
		}
	}
	if s.ClaimedNames() && len(s.Admins.Names)+len(s.Helpers.Names) > 0 {
		bad("admins, helpers: with names: claimed nobody's name is proved, so names there would give a role to whoever " +
			"chooses them; expected groups alone")
	}
	return errors.Join(append(errs, s.Invited.check(), s.waysIn().Check())...)
}
