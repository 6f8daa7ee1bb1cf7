package signin

import (
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"
)

func unknownProvider() error {
	return &Problem{http.StatusNotFound, "There is no such way to sign in.", nil}
}

// stale is an answer that nobody waits for: used before, too old, of another browser or provider.
func stale(err error) error {
	return &Problem{http.StatusGone, "This sign-in was used already, was begun in another browser, or took too long. " +
		"Begin again on the first page.", err}
}

// unavailable is a provider that does not answer, or not in a way that helps.
func (p *provider) unavailable(err error) error {
	return &Problem{http.StatusServiceUnavailable, p.Title + " cannot be reached just now. Try again in a minute, or " +
		"sign in in another way.", short(err)}
}

// wrong is an answer that a provider must not give: it is attacked, broken or set up otherwise.
func (p *provider) wrong(err error) error {
	return &Problem{http.StatusBadGateway, p.Title + " gave an answer that cannot be trusted, so you are not signed in. " +
		"Whoever runs this site finds the reason in the log.", short(err)}
}

// declined is an error that the provider sent with the browser (RFC 6749, section 4.1.2.1).
func (p *provider) declined(code, description string) error {
	why := fmt.Errorf("it says %q: %q", cut(code), cut(description))
	switch code {
	case "access_denied", "consent_required", "interaction_required", "login_required", "account_selection_required":
		return &Problem{http.StatusForbidden, p.Title + " did not let you through. If you changed your mind, begin again on " +
			"the first page.", why}
	case "temporarily_unavailable", "server_error":
		return p.unavailable(why)
	}
	return p.wrong(why)
}

// noToken is a code that the provider does not take.
func (p *provider) noToken(err error) error {
	var said *oauth2.RetrieveError
	switch {
	case errors.As(err, &said) && said.ErrorCode == "invalid_grant":
		return stale(fmt.Errorf("it does not take the code: %w", short(err)))
	case errors.As(err, &said) && said.Response != nil && said.Response.StatusCode < http.StatusInternalServerError:
		return p.wrong(err)
	}
	return p.unavailable(err)
}

// refuse logs why somebody was not let in. It names no person.
func (p *provider) refuse(err error) error {
	var known *Problem
	if errors.As(err, &known) && known.Err != nil {
		p.log.Warn("a sign-in has failed", "provider", p.name, "status", known.Status, "error", known.Err)
	}
	return err
}
