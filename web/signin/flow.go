package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// A Goal is what a sign-in is for, and where the browser goes then.
type Goal struct {
	Back    string // a path of this site
	Purpose accounts.Purpose
	Login   uint // the login that is renewed, or gets the identity
}

// Start begins a sign-in at a provider, and gives the address where the browser goes. browser is the secret in its
// cookie (see NewBrowser).
func (w *Ways) Start(ctx context.Context, name string, goal Goal, browser string) (string, error) {
	p := w.providers[name]
	if p == nil {
		return "", unknownProvider()
	}
	d, err := p.ready(ctx)
	if err != nil {
		return "", p.unavailable(err)
	}
	state, err := w.secret()
	if err != nil {
		return "", err
	}
	nonce, err := w.secret()
	if err != nil {
		return "", err
	}
	err = w.Attempts.Begin(ctx, accounts.Attempt{State: digest("state", state), Nonce: digest("nonce", nonce),
		Browser: digest("browser", browser), Provider: name, Back: SafePath(goal.Back), Purpose: goal.Purpose,
		Login: goal.Login})
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier(browser, state))}
	if goal.Purpose != accounts.ToSignIn {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return d.oauth.AuthCodeURL(state, options...), nil
}

// Finish reads what the provider sent back with the browser. Whatever comes of it, the attempt is over.
func (w *Ways) Finish(ctx context.Context, name string, query url.Values, browser string) (Identity, accounts.Attempt,
	error) {
	p := w.providers[name]
	if p == nil {
		return Identity{}, accounts.Attempt{}, unknownProvider()
	}
	state := query.Get("state")
	attempt, err := w.Attempts.Take(ctx, digest("state", state))
	if errors.Is(err, accounts.ErrNoAttempt) {
		return Identity{}, accounts.Attempt{}, stale(nil)
	}
	if err != nil {
		return Identity{}, accounts.Attempt{}, err
	}
	if attempt.Provider != name {
		return Identity{}, attempt, p.refuse(stale(errors.New("the answer is to an attempt at " + attempt.Provider)))
	}
	if browser == "" || !same(attempt.Browser, digest("browser", browser)) {
		return Identity{}, attempt, p.refuse(stale(errors.New("another browser has begun it")))
	}
	d, err := p.ready(ctx)
	if err != nil {
		return Identity{}, attempt, p.unavailable(err)
	}
	id, err := p.answer(ctx, d, query, attempt, verifier(browser, state))
	if err != nil {
		return Identity{}, attempt, p.refuse(err)
	}
	return id, attempt, nil
}

// answer checks the parameters of the answer, and trades the code for tokens.
func (p *provider) answer(ctx context.Context, d *discovered, query url.Values, attempt accounts.Attempt,
	verifier string) (Identity, error) {
	if err := p.checkIssuer(d, query); err != nil {
		return Identity{}, err
	}
	if code := query.Get("error"); code != "" {
		return Identity{}, p.declined(code, query.Get("error_description"))
	}
	code := query.Get("code")
	if code == "" {
		return Identity{}, p.wrong(errors.New("it sent neither a code nor an error"))
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := d.oauth.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return Identity{}, p.noToken(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return Identity{}, p.wrong(errors.New("it sent no ID token"))
	}
	subject, c, err := p.readToken(ctx, d, raw, token.AccessToken, attempt.Nonce)
	if err != nil {
		return Identity{}, p.wrong(err)
	}
	authTime, session := c.time("auth_time"), c.word("sid")
	if attempt.Purpose != accounts.ToSignIn {
		if err := p.checkFresh(authTime, attempt.At); err != nil {
			return Identity{}, err
		}
	}
	if d.userInfo != "" && p.lacks(c) {
		more, err := p.fetchUserInfo(ctx, d, token, subject)
		if err != nil {
			return Identity{}, err
		}
		c.fill(more)
	}
	id, err := p.identity(subject, c)
	id.AuthTime, id.Session = authTime, session
	return id, err
}

// checkIssuer refuses an answer of another provider (mix-up, RFC 9207), also where the answer is an error.
func (p *provider) checkIssuer(d *discovered, query url.Values) error {
	said := query.Get("iss")
	switch {
	case said == "" && d.namesIss:
		return p.wrong(errors.New("it does not say who it is (iss), though it announces that it does"))
	case said != "" && said != p.Issuer:
		return p.wrong(fmt.Errorf("the answer is of %q, and was expected of %q", cut(said), p.Issuer))
	}
	return nil
}

// freshSlack is how far the clocks of provider and site may differ.
const freshSlack = time.Minute

// checkFresh refuses a sign-in that is older than the request for a new one.
func (p *provider) checkFresh(authTime, asked time.Time) error {
	if authTime.IsZero() {
		return &Problem{http.StatusForbidden, p.Title + " does not say when you signed in there, so this proves nothing " +
			"new. Sign in again in another way.", nil}
	}
	if authTime.Before(asked.Add(-freshSlack)) || authTime.After(p.now().Add(freshSlack)) {
		return &Problem{http.StatusForbidden, p.Title + " let you through without asking you again. Sign out there, or " +
			"sign in again here in another way.", nil}
	}
	return nil
}

func (w *Ways) secret() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(w.Random, b[:]); err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// NewBrowser makes the secret for the cookie of a browser. All its attempts share it.
func (w *Ways) NewBrowser() (string, error) { return w.secret() }

// digest is what is stored of a secret. use keeps digests of different uses apart.
func digest(use, secret string) string {
	sum := sha256.Sum256([]byte(use + " " + secret))
	return hex.EncodeToString(sum[:])
}

// verifier is the code verifier of an attempt (RFC 7636): it needs what the browser has and what the provider sends.
func verifier(browser, state string) string {
	mac := hmac.New(sha256.New, []byte(browser))
	mac.Write([]byte("verifier " + state))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// SafePath gives the path of this site that text is; "/" where it is anything else, such as //evil.example or a URL.
func SafePath(text string) string {
	u, err := url.Parse(text)
	odd := strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' })
	if err != nil || odd || len(text) > 2000 || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
		return "/"
	}
	return text
}
