// Package fetch asks web servers for the sources of the directory: within bounds, with a login that stays with its
// host, and only for what has changed where the server can say so.
//
//	c, err := fetch.Open(fetch.Settings{URL: "https://src.example.org/owners.json", MaxBytes: 32 << 20, Login: ...})
//	answer, err := c.Get(ctx, c.URL, fetch.Request{Since: last})
//	if answer.Unchanged { return last, nil }
//
// # What holds
//
//   - An answer is whole: one that is cut, or has more than MaxBytes after it was unpacked, is an error.
//   - A redirect leads to the same host, or to no other host where there is a login, and never from https to http.
//     Pages that a server names are on the same host too: see Client.Next.
//   - A login goes over TLS, or to this machine.
//   - No login stands in an error. URLs in errors are without their query and user.
package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/notifyd/notifyd/directory/kerberos"
	"github.com/notifyd/notifyd/internal/tlsfiles"
	"github.com/notifyd/notifyd/internal/watch"
)

// A Login is what we show a server. Of token, user and Kerberos one at most is set.
type Login struct {
	Token    string            `yaml:"token" secret:"true"` // as "Authorization: Bearer"
	User     string            `yaml:"user"`                // with the password, as HTTP Basic
	Password string            `yaml:"password" secret:"true"`
	Headers  map[string]string `yaml:"headers" secret:"true"` // as they are, for what is neither
	Kerberos kerberos.Settings `yaml:"kerberos"`              // a keytab
}

// TLS has the files for connections.
type TLS struct {
	CAFile   string `yaml:"ca_file"` // PEM; the system's authorities when empty
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file" secret:"false"`
}

// Settings are what a Client is opened with.
type Settings struct {
	URL      string
	Login    Login
	TLS      TLS
	MaxBytes int64 // of an unpacked answer
}

// A Client asks one host.
type Client struct {
	URL      *url.URL // as configured
	settings Settings
	client   *http.Client
	kerberos *negotiation // nil where the login is another
}

// Open checks settings and makes a Client. It connects to nothing. An error begins with the key that is wrong.
func Open(s Settings) (*Client, error) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("url: an http or https URL without login was expected")
	}
	if (s.Login.User == "") != (s.Login.Password == "") {
		return nil, errors.New("login.user, login.password: both or none were expected")
	}
	if s.Login.Token != "" && s.Login.User != "" {
		return nil, errors.New("login.token: a token or a user with a password was expected, not both")
	}
	if s.Login.Kerberos.IsSet() && (s.Login.Token != "" || s.Login.User != "") {
		return nil, errors.New("login.kerberos: Kerberos or another login was expected, not both")
	}
	for name, value := range s.Login.Headers {
		if !validHeader(name, value) {
			return nil, fmt.Errorf("login.headers: %q cannot be sent as a header", name)
		}
	}
	config, err := tlsfiles.Files{CA: s.TLS.CAFile, Cert: s.TLS.CertFile, Key: s.TLS.KeyFile}.Config(watch.ReadFile)
	if err != nil {
		return nil, fmt.Errorf("tls.%w", err)
	}
	c := &Client{URL: u, settings: s}
	if s.Login.Kerberos.IsSet() {
		from, err := kerberos.Open(s.Login.Kerberos, u.Hostname(), config)
		if err != nil {
			return nil, fmt.Errorf("login.kerberos.%w", err)
		}
		c.kerberos = &negotiation{kerberos: from}
	}
	if c.hasLogin() && u.Scheme == "http" && !onThisMachine(u.Hostname()) {
		return nil, errors.New("url: https was expected, because a login would be sent in clear")
	}
	c.client = &http.Client{
		CheckRedirect: c.mayFollow,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, MaxConnsPerHost: 4, ForceAttemptHTTP2: true,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 2 * time.Minute,
			IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
	}
	return c, nil
}

// onThisMachine reports whether a host is this one, as that of a proxy beside notifyd.
func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func validHeader(name, value string) bool {
	return name != "" && !strings.ContainsAny(name, " :\r\n\t") && !strings.ContainsAny(value, "\r\n\x00")
}

// maxRedirects is how many redirects are followed for one answer.
const maxRedirects = 5

// mayFollow holds redirects to the host that the login is for.
func (c *Client) mayFollow(next *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return errors.New("it redirects too often")
	case via[0].URL.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("it redirects from https to http")
	case next.URL.Host != c.URL.Host && c.hasLogin():
		return errors.New("it redirects to another host, which must not get our login")
	case c.kerberos != nil:
		return c.kerberos.show(next.Context(), next) // a server takes no token twice
	}
	return nil
}

func (c *Client) hasLogin() bool {
	l := c.settings.Login
	return l.Token != "" || l.User != "" || len(l.Headers) > 0 || l.Kerberos.IsSet() ||
		c.settings.TLS.CertFile != ""
}
