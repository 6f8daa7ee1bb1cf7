package signin

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Settings are the configuration of the ways in, a part of the section accounts.
type Settings struct {
	OIDC   map[string]Provider `yaml:"oidc"` // by name, which is a part of the redirect URI
	Header HeaderSettings      `yaml:"trusted_header"`
}

// Provider is how one OpenID Connect provider is asked.
type Provider struct {
	Title        string   `yaml:"title"`  // on the button; "": the name
	Order        int      `yaml:"order"`  // of the buttons: the smallest first, then by name
	Issuer       string   `yaml:"issuer"` // exactly as the provider writes it, with or without the last slash
	ClientID     string   `yaml:"client_id"`
	ClientSecret string   `yaml:"client_secret" secret:"true"` // "": a public client
	Scopes       []string `yaml:"scopes"`                      // openid is always asked for
	NameClaim    string   `yaml:"name_claim"`                  // the account on the bus; "none": never any
	GroupsClaim  string   `yaml:"groups_claim"`                // "none": groups are never taken from here
	GroupsPrefix string   `yaml:"groups_prefix"`               // put before each group
	MailClaim    string   `yaml:"mail_claim"`
	// Require and Refuse are claims and values of people who may be in. Who has another value under Require, or this one
	// under Refuse, is disabled.
	Require map[string]string `yaml:"require"`
	Refuse  map[string]string `yaml:"refuse"`
}

// NoClaim is the value of groups_claim and name_claim where groups or names are never taken from a provider.
const NoClaim = "none"

// withDefaults fills in what the configuration leaves out.
func (p Provider) withDefaults(name string) Provider {
	p.Title = cmp.Or(p.Title, name)
	if p.Scopes == nil {
		p.Scopes = []string{"profile", "email"}
	}
	p.NameClaim = cmp.Or(p.NameClaim, "preferred_username")
	p.GroupsClaim = cmp.Or(p.GroupsClaim, "groups")
	p.MailClaim = cmp.Or(p.MailClaim, "email")
	return p
}

// oneName is what a name of a provider may be: it stands in URLs, and in the table of logins.
var oneName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// taken are names that mean something else: in the table of logins, or below /signin/with/.
var taken = []string{"mail", Header, "passkey", "link"}

// Check returns what is wrong with the settings. The keys in it are those of the section accounts.
func (s Settings) Check() error {
	var errs []error
	issuers := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.OIDC)) {
		p := s.OIDC[name]
		bad := func(key, format string, args ...any) {
			errs = append(errs, fmt.Errorf("oidc.%s.%s: %s", name, key, fmt.Sprintf(format, args...)))
		}
		if !oneName.MatchString(name) || slices.Contains(taken, name) {
			errs = append(errs, fmt.Errorf("oidc: the name %q; expected letters a to z, digits and -, and none of %s", name,
				strings.Join(taken, ", ")))
		}
		if !isIssuer(p.Issuer) {
			bad("issuer", "%q; expected the provider's https URL as its own discovery document writes it, without query", p.Issuer)
		}
		if other := issuers[p.Issuer]; other != "" {
			bad("issuer", "is that of oidc.%s too; expected one provider for each issuer", other)
		}
		issuers[p.Issuer] = name
		if p.ClientID == "" {
			bad("client_id", "is missing; expected what the provider calls this site")
		}
		for _, scope := range p.Scopes {
			if scope == "" || strings.ContainsAny(scope, " \t\r\n\"\\") {
				bad("scopes", "%q; expected a list of single words", scope)
			}
			if scope == oidc.ScopeOfflineAccess {
				bad("scopes", "offline_access; notifyd keeps no refresh tokens, so expected none")
			}
		}
	}
	return errors.Join(append(errs, s.Header.check())...)
}

// isIssuer reports whether text is an issuer: https, or http on this machine.
func isIssuer(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}
