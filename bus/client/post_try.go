package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

const (
	messagesPath = "/api/v1/messages"
	// maxAnswer bounds an answer in bytes: that of maxBatch ids.
	maxAnswer = 1 << 20
	// askAbove is the size of a body before which the server is asked whether it takes it: a refusal gets lost when the
	// server ends the connection while a large body is being written.
	askAbove = 64 << 10
)

func random() float64 { return mathrand.Float64() }

// postURL gives the address that is posted to.
func postURL(c PosterConfig) (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", errors.New("URL: one such as https://bus.example.org was expected")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("URL: one without a name, a password and parameters was expected")
	}
	if u.Scheme == "http" && c.Token != "" && !isLoopback(u.Hostname()) {
		return "", fmt.Errorf("URL: a token would go to %s in the clear: https was expected, or an HMAC key", u.Host)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = messagesPath
	}
	return u.String(), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func headerSafe(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// newHTTPClient follows no redirect, keeps no cookie, and unpacks nothing.
func newHTTPClient(config *tls.Config) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:        config,
			TLSHandshakeTimeout:    10 * time.Second,
			ExpectContinueTimeout:  2 * time.Second,
			IdleConnTimeout:        20 * time.Second, // less than the server's
			MaxIdleConnsPerHost:    8,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
	}
}

// try sends a request once.
func (p *Poster) try(ctx context.Context, q *request) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", q.kind)
	r.Header.Set("User-Agent", "notifyd")
	if p.config.Late {
		r.Header.Set("X-Notifyd-Late", "1")
	}
	if len(q.body) > askAbove {
		r.Header.Set("Expect", "100-continue")
	}
	p.authorize(r.Header, q)
	w, err := p.client.Do(r)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // which does not repeat the URL
		}
		return nil, &unanswered{err}
	}
	defer w.Body.Close()
	text, err := io.ReadAll(io.LimitReader(w.Body, maxAnswer+1))
	switch {
	case w.StatusCode != http.StatusAccepted:
		return nil, p.refusal(w, text) // of a part of it as well
	case err != nil:
		return nil, &unanswered{err}
	}
	return readIDs(text, q.count)
}

// readIDs reads the answer to a request that was taken.
func readIDs(text []byte, count int) ([]string, error) {
	var answer struct {
		IDs []string `json:"ids"`
	}
	if len(text) > maxAnswer || json.Unmarshal(text, &answer) != nil || len(answer.IDs) != count {
		return nil, errors.New("the server says 202, but not the ids of the messages: it is no notifyd")
	}
	return answer.IDs, nil
}

// An unanswered request may have been taken or not.
type unanswered struct{ err error }

func (u *unanswered) Error() string { return u.err.Error() }
func (u *unanswered) Unwrap() error { return u.err }

// again reports whether an error may be gone after a while.
func again(err error) bool {
	var refused *Refusal
	if errors.As(err, &refused) {
		return refused.Temporary()
	}
	var no *unanswered
	return errors.As(err, &no) && !distrusts(err)
}

// distrusts reports whether the connection failed since the other side is not whom the URL names, or speaks no TLS.
func distrusts(err error) bool {
	var certificate *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &certificate) || errors.As(err, &noTLS) || errors.As(err, &alert) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

// withID gives a message in one line, with an id where it has none.
func withID(object []byte, now time.Time) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil || fields == nil {
		return nil, errors.New("a JSON object was expected")
	}
	var line bytes.Buffer
	if err := json.Compact(&line, object); err != nil {
		return nil, err
	}
	// What is signed without an id has one by its content, at the server as everywhere.
	if isID(fields["msg_id"]) || isID(fields["id"]) && fields["msg"] == nil || bus.Given(fields["signature"]) {
		return line.Bytes(), nil
	}
	id, err := bus.NewID(now, rand.Reader)
	if err != nil {
		return nil, err
	}
	return bus.Added{}.Field("msg_id", id).To(line.Bytes()), nil
}

// isID reports whether a field can be an id (see bus.Decode): a text, or a whole number.
func isID(value json.RawMessage) bool {
	text := string(value)
	switch {
	case text == "" || text == `""`:
		return false
	case text[0] == '"':
		return true
	}
	return strings.Trim(text, "-0123456789") == ""
}

func joinLines(lines [][]byte) []byte { return append(bytes.Join(lines, []byte("\n")), '\n') }
