package signin

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// The bounds on what a provider answers.
const (
	answerMost = 1 << 20 // bytes
	answerWait = 10 * time.Second
	hopsMost   = 3
)

// errTooLong is an answer that does not end.
var errTooLong = fmt.Errorf("the provider's answer is longer than %d KiB", answerMost>>10)

// newClient makes the client that asks one provider. A redirect leads to the same host or nowhere.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy:       http.ProxyFromEnvironment,
			DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, TLSHandshakeTimeout: 5 * time.Second,
			ResponseHeaderTimeout: answerWait, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: 30 * time.Second,
			MaxConnsPerHost: 16, ForceAttemptHTTP2: true,
		}
	}
	return &http.Client{Timeout: answerWait, Transport: bounded{transport}, CheckRedirect: sameHost}
}

// sameHost refuses a redirect to another host, to another scheme, or one too many.
func sameHost(to *http.Request, before []*http.Request) error {
	first := before[0].URL
	if to.URL.Host != first.Host || to.URL.Scheme != first.Scheme {
		return fmt.Errorf("the provider redirects from %s to %s, and no redirect to another host is followed",
			origin(first), origin(to.URL))
	}
	if len(before) > hopsMost {
		return errors.New("the provider redirects without end")
	}
	return nil
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// bounded is a transport whose answers have a bounded length.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = &boundedBody{answer.Body, answerMost}
	}
	return answer, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLong
	}
	if len(p) > b.left+1 {
		p = p[:b.left+1] // one more, to tell the end from too much
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= n
	if b.left < 0 {
		return n, errTooLong
	}
	return n, err
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
