package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/notifyd/notifyd/directory"
)

// A Stamp is what a server says of the state of an answer.
type Stamp struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"` // Last-Modified, as it came
}

// OlderThan reports whether both stamps say when, and s was before t.
func (s Stamp) OlderThan(t Stamp) bool {
	a, err1 := http.ParseTime(s.Modified)
	b, err2 := http.ParseTime(t.Modified)
	return err1 == nil && err2 == nil && a.Before(b)
}

// Time returns when the answer was last changed, the zero Time where the server does not say.
func (s Stamp) Time() time.Time {
	at, err := http.ParseTime(s.Modified)
	if err != nil {
		return time.Time{}
	}
	return at
}

// A Request is what else to say.
type Request struct {
	Since  Stamp             // ask only for what has changed since; the zero Stamp asks for all
	Header map[string]string // such as X-Fields
	Accept string
}

// An Answer is what a server said.
type Answer struct {
	Body      []byte
	Unchanged bool // since Request.Since; then there is no Body
	Stamp     Stamp
	Next      string // the URL of the next page in the header Link; "" for none
}

// Get asks for a URL.
func (c *Client) Get(ctx context.Context, u *url.URL, r Request) (Answer, error) {
	answer, status, err := c.get(ctx, u, r)
	if err == nil && status == http.StatusUnauthorized && c.kerberos != nil {
		c.kerberos.refused() // a session that ended in between, or a ticket of a key that the server had before
		answer, status, err = c.get(ctx, u, r)
	}
	switch {
	case err != nil:
		return Answer{}, fmt.Errorf("%s: %w", shown(u), plain(err))
	case status == http.StatusUnauthorized && c.kerberos != nil:
		return Answer{}, fmt.Errorf("%s: the server does not take our Kerberos ticket (status %d): its key is another, its "+
			"clock differs, or it does not know %s", shown(u), status, c.settings.Login.Kerberos.Principal)
	case status == http.StatusNotFound, status == http.StatusGone:
		return Answer{}, fmt.Errorf("%s: %w (status %d)", shown(u), directory.ErrGone, status)
	case status != http.StatusOK && status != http.StatusNotModified:
		return Answer{}, fmt.Errorf("%s: the server answers with status %d", shown(u), status)
	case status == http.StatusNotModified && r.Since == Stamp{}:
		return Answer{}, fmt.Errorf("%s: the server says that nothing has changed, and was not asked so", shown(u))
	}
	return answer, nil
}

func (c *Client) get(ctx context.Context, u *url.URL, r Request) (Answer, int, error) {
	request, err := c.request(ctx, u, r)
	if err != nil {
		return Answer{}, 0, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return Answer{}, 0, err
	}
	defer response.Body.Close()
	answer := Answer{
		Stamp:     Stamp{ETag: response.Header.Get("ETag"), Modified: response.Header.Get("Last-Modified")},
		Unchanged: response.StatusCode == http.StatusNotModified, Next: next(response.Header.Values("Link")),
	}
	if c.kerberos != nil && response.StatusCode < http.StatusBadRequest {
		c.kerberos.took(response)
	}
	if response.StatusCode != http.StatusOK {
		return answer, response.StatusCode, nil
	}
	answer.Body, err = io.ReadAll(io.LimitReader(response.Body, c.settings.MaxBytes+1))
	if err != nil {
		return Answer{}, 0, err
	}
	if int64(len(answer.Body)) > c.settings.MaxBytes {
		return Answer{}, 0, fmt.Errorf("the answer has more than max_bytes, %d", c.settings.MaxBytes)
	}
	return answer, response.StatusCode, nil
}

func (c *Client) request(ctx context.Context, u *url.URL, r Request) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "notifyd")
	if r.Accept != "" {
		request.Header.Set("Accept", r.Accept)
	}
	if r.Since.ETag != "" {
		request.Header.Set("If-None-Match", r.Since.ETag)
	}
	if r.Since.Modified != "" {
		request.Header.Set("If-Modified-Since", r.Since.Modified)
	}
	for name, value := range r.Header {
		request.Header.Set(name, value)
	}
	l := c.settings.Login
	for name, value := range l.Headers {
		request.Header.Set(name, value)
	}
	switch {
	case c.kerberos != nil:
		if err := c.kerberos.show(ctx, request); err != nil {
			return nil, err
		}
	case l.Token != "":
		request.Header.Set("Authorization", "Bearer "+l.Token)
	case l.User != "":
		request.SetBasicAuth(l.User, l.Password)
	}
	return request, nil
}

// Next returns the URL of another page as an answer names it. It is an error where that is on another host, or gives up
// https.
func (c *Client) Next(at *url.URL, text string) (*url.URL, error) {
	u, err := at.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the next page has no URL")
	}
	if u.Host != c.URL.Host || u.Scheme != c.URL.Scheme || u.User != nil {
		return nil, fmt.Errorf("the next page is on another host, %.100q", u.Host)
	}
	u.Fragment = ""
	return u, nil
}

// next returns the target of rel="next" in headers Link (RFC 8288).
func next(headers []string) string {
	for _, header := range headers {
		for link := range strings.SplitSeq(header, ",") {
			target, parameters, _ := strings.Cut(strings.TrimSpace(link), ";")
			for p := range strings.SplitSeq(parameters, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
				if strings.EqualFold(strings.TrimSpace(name), "rel") &&
					strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "next") {
					return strings.Trim(target, "<>")
				}
			}
		}
	}
	return ""
}

// shown returns a URL as errors show it.
func shown(u *url.URL) string { return u.Scheme + "://" + u.Host + u.Path }

// plain returns what went wrong without the URL, whose query may hold a secret.
func plain(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}
