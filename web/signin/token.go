package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

// tokenSlack is how far in the future a token may have been made.
const tokenSlack = 5 * time.Minute

// readToken checks an ID token and gives its subject and claims. What go-oidc checks: the signature, iss, aud, exp and
// nbf.
func (p *provider) readToken(ctx context.Context, d *discovered, raw, access, nonce string) (string, claims, error) {
	token, err := d.idTokens.Verify(ctx, raw)
	if err != nil {
		return "", nil, short(err)
	}
	var content json.RawMessage
	if err := token.Claims(&content); err != nil {
		return "", nil, err
	}
	c, err := readClaims(content)
	if err != nil {
		return "", nil, fmt.Errorf("read claims: %w", err)
	}
	azp, hasAzp := c["azp"]
	_, isLogout := c["events"]
	switch {
	case token.Nonce == "" || !same(digest("nonce", token.Nonce), nonce):
		return "", nil, errors.New("the ID token is not of this attempt: its nonce is another one")
	case token.Subject == "" || len(token.Subject) > 255: // OpenID Connect Core 1.0, section 2
		return "", nil, errors.New("the subject is missing or too long")
	case hasAzp && azp != p.ClientID:
		return "", nil, fmt.Errorf("the ID token was made for the client %q (azp)", cut(fmt.Sprint(azp)))
	case len(token.Audience) > 1 && !hasAzp:
		return "", nil, errors.New("the ID token is for several clients and does not say for which it was made (azp)")
	case token.IssuedAt.After(p.now().Add(tokenSlack)):
		return "", nil, fmt.Errorf("the ID token was made in the future: %s", token.IssuedAt.UTC().Format(time.RFC3339))
	case isLogout:
		return "", nil, errors.New("it is a logout token")
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(access); err != nil {
			return "", nil, short(err)
		}
	}
	return token.Subject, c, nil
}

// time reads a claim that is a number of seconds; the zero time where it is none.
func (c claims) time(name string) time.Time {
	n, _ := c[name].(json.Number)
	seconds, err := n.Float64()
	if err != nil || seconds <= 0 || seconds > math.MaxInt32*1000 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// fetchUserInfo asks for more claims. They count only where they are of the same subject.
func (p *provider) fetchUserInfo(ctx context.Context, d *discovered, token *oauth2.Token, subject string) (claims,
	error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.userInfo, nil)
	if err != nil {
		return nil, err
	}
	token.SetAuthHeader(request)
	answer, err := p.client.Do(request)
	if err != nil {
		return nil, p.unavailable(fmt.Errorf("ask for UserInfo: %w", err))
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, p.unavailable(fmt.Errorf("ask for UserInfo: %w", err))
	}
	if answer.StatusCode != http.StatusOK {
		return nil, p.unavailable(fmt.Errorf("ask for UserInfo: %s", answer.Status))
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if kind == "application/jwt" {
		if body, err = p.signedUserInfo(ctx, d, string(body)); err != nil {
			return nil, p.wrong(err)
		}
	}
	c, err := readClaims(body)
	if err != nil {
		return nil, p.wrong(fmt.Errorf("read UserInfo: %w", err))
	}
	if c["sub"] != subject {
		return nil, p.wrong(errors.New("UserInfo is about another subject than the ID token"))
	}
	return c, nil
}

// signedUserInfo checks UserInfo that is a signed token (OpenID Connect Core 1.0, section 5.3.2).
func (p *provider) signedUserInfo(ctx context.Context, d *discovered, raw string) ([]byte, error) {
	content, err := d.signIns.VerifySignature(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("UserInfo: %w", err)
	}
	c, err := readClaims(content)
	if err != nil {
		return nil, fmt.Errorf("UserInfo: %w", err)
	}
	audience, several := c["aud"].([]any)
	if c["iss"] != p.Issuer || c["aud"] != any(p.ClientID) && !several || several && !slices.Contains(audience,
		any(p.ClientID)) {
		return nil, errors.New("UserInfo is signed for somebody else")
	}
	return content, nil
}

// isKind reports whether the header of a token says that it is of a kind; a token that does not say it may be any.
func isKind(raw, kind string) bool {
	signed, err := jose.ParseSignedCompact(raw, asymmetric)
	if err != nil || len(signed.Signatures) != 1 {
		return false
	}
	typ, said := signed.Signatures[0].Header.ExtraHeaders[jose.HeaderType].(string)
	return !said || typ == "JWT" || typ == "jwt" || typ == kind
}
