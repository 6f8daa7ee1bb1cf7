package signin

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// discovered is what a provider says of itself.
type discovered struct {
	oauth    oauth2.Config
	keys     *keySet
	signIns  *keyView
	idTokens *oidc.IDTokenVerifier
	logouts  *oidc.IDTokenVerifier
	userInfo string
	endURL   string // where its session is ended; "" where it does not say
	namesIss bool   // its answers carry iss (RFC 9207)
}

// discover asks the provider for its discovery document.
func (p *provider) discover(ctx context.Context) (*discovered, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	var other *oidc.IssuerMismatchError
	if errors.As(err, &other) {
		return nil, fmt.Errorf("the issuer in the configuration is %q, and the provider writes it %q: set "+
			"accounts.oidc.%s.issuer to exactly what it writes", other.Provided, other.Discovered, p.name)
	}
	if err != nil {
		return nil, short(err)
	}
	var said struct {
		Keys     string   `json:"jwks_uri"`
		End      string   `json:"end_session_endpoint"`
		NamesIss bool     `json:"authorization_response_iss_parameter_supported"`
		Auth     []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&said); err != nil {
		return nil, fmt.Errorf("read its discovery document: %w", err)
	}
	endpoint := found.Endpoint()
	for _, address := range []string{endpoint.AuthURL, endpoint.TokenURL, said.Keys} {
		if err := p.checkEndpoint(address); err != nil {
			return nil, err
		}
	}
	d := &discovered{keys: newKeySet(said.Keys, p.client, p.now), namesIss: said.NamesIss,
		userInfo: p.orNothing(found.UserInfoEndpoint()), endURL: p.orNothing(said.End)}
	endpoint.AuthStyle = p.authStyle(said.Auth)
	d.oauth = oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: endpoint,
		RedirectURL: p.redirect, Scopes: p.scopes()}
	check := &oidc.Config{ClientID: p.ClientID, Now: p.now}
	for _, a := range asymmetric {
		check.SupportedSigningAlgs = append(check.SupportedSigningAlgs, string(a))
	}
	d.signIns = d.keys.view(keysForSignIn)
	d.idTokens = oidc.NewVerifier(p.Issuer, d.signIns, check)
	d.logouts = oidc.NewVerifier(p.Issuer, d.keys.view(keysForLogout), check)
	return d, nil
}

// checkEndpoint refuses an address that is no URL of the web, or that is in the clear where the issuer is not.
func (p *provider) checkEndpoint(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("its discovery document names the address %q, which is none", cut(address))
	}
	if u.Scheme == "http" && strings.HasPrefix(p.Issuer, "https:") {
		return fmt.Errorf("its discovery document names %s, which is not https", cut(address))
	}
	return nil
}

func (p *provider) orNothing(address string) string {
	if address == "" || p.checkEndpoint(address) != nil {
		return ""
	}
	return address
}

// authStyle says how this site proves to the provider which client it is. To try both ways, as the library does by
// itself, uses up a code at some providers.
func (p *provider) authStyle(announced []string) oauth2.AuthStyle {
	if p.ClientSecret == "" || len(announced) > 0 && !slices.Contains(announced, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

func (p *provider) scopes() []string {
	scopes := []string{oidc.ScopeOpenID}
	for _, s := range p.Scopes {
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return scopes
}
