package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// A Refusal is an answer of the server by which it takes no message of a request.
type Refusal struct {
	Status int    // of HTTP
	Detail string // what is wrong, in one line
	// Faults are what is wrong with single messages, at most ten of them.
	Faults []Fault
	// RetryAfter is how long the server asks to wait; 0 where it does not say.
	RetryAfter time.Duration
}

// A Fault is what is wrong with one message.
type Fault struct {
	Message int // its number among those that were to be sent, from 1 on
	Detail  string
}

// Error says what is wrong, and with which message first.
func (r *Refusal) Error() string {
	detail := r.Detail
	if len(r.Faults) > 0 {
		detail = fmt.Sprintf("message %d: %s", r.Faults[0].Message, r.Faults[0].Detail)
		if n := len(r.Faults) - 1; n > 0 {
			detail += fmt.Sprintf(" (and %s more)", text.Plural(n, "fault", "faults"))
		}
	}
	if detail == "" {
		detail = http.StatusText(r.Status)
	}
	return fmt.Sprintf("%d: %s", r.Status, detail)
}

// Temporary reports whether the same messages may be taken later.
func (r *Refusal) Temporary() bool {
	switch r.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// tooMany reports whether fewer messages in one request may be taken: they are too large, or more than a sender may
// send in the time that there is patience for.
func (r *Refusal) tooMany() bool {
	return r.Status == http.StatusRequestEntityTooLarge || r.Status == http.StatusTooManyRequests
}

// count says that so many messages were sent before those of the request.
func (r *Refusal) count(before int) {
	for i := range r.Faults {
		r.Faults[i].Message += before
	}
}

// maxDetail bounds what is told of an answer, in runes.
const maxDetail = 300

// refusal reads an answer: problem details (RFC 9457), or whatever a proxy says.
func (p *Poster) refusal(w *http.Response, body []byte) *Refusal {
	r := &Refusal{Status: w.StatusCode, RetryAfter: p.after(w.Header.Get("Retry-After"))}
	var said struct {
		Detail string `json:"detail"`
		Errors []struct {
			Line   int    `json:"line"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	if len(body) <= maxAnswer && json.Unmarshal(body, &said) == nil {
		r.Detail = shown(said.Detail)
		for _, e := range said.Errors {
			if len(r.Faults) < 10 && e.Line > 0 && e.Line <= maxBatch {
				r.Faults = append(r.Faults, Fault{Message: e.Line, Detail: shown(e.Detail)})
			}
		}
	}
	r.explain(p, w)
	return r
}

// explain says what the server does not.
func (r *Refusal) explain(p *Poster, w *http.Response) {
	switch {
	case r.Status == http.StatusUnauthorized && p.config.HMACKey != "":
		r.Detail = fmt.Sprintf("the signature is not accepted: the key is not that of %q, or a clock is wrong",
			p.config.Sender)
	case r.Status == http.StatusUnauthorized:
		r.Detail = "the token is not accepted"
	case r.Status >= 300 && r.Status < 400:
		r.Detail = "the server sends elsewhere, where nothing was sent" + elsewhere(w)
	case r.Status == http.StatusNotFound || r.Status == http.StatusMethodNotAllowed:
		r.Detail = "nobody takes messages at this URL"
	case r.Status < 300:
		r.Detail = "202 was expected"
	}
}

// elsewhere names where a redirect goes, as far as it is harmless to show.
func elsewhere(w *http.Response) string {
	to, err := w.Location()
	if err != nil {
		return ""
	}
	plain := url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}
	return ": " + shown(plain.String())
}

func shown(s string) string { return text.ElideRunes(text.OneLine(s), maxDetail) }

// maxWait is more than anybody waits.
const maxWait = 365 * 24 * time.Hour

// after reads Retry-After (RFC 9110, 10.2.3): seconds or a date.
func (p *Poster) after(header string) time.Duration {
	header = strings.TrimSpace(header)
	if strings.Trim(header, "0123456789") == "" {
		seconds, err := strconv.ParseInt(header, 10, 64)
		switch {
		case header == "":
			return 0
		case err != nil || seconds > int64(maxWait/time.Second):
			return maxWait
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(p.now())), maxWait)
}

// retryAfter is how long the server has asked to wait.
func retryAfter(err error) time.Duration {
	var r *Refusal
	if errors.As(err, &r) {
		return r.RetryAfter
	}
	return 0
}
