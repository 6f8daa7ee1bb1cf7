// Package kerberos logs in to web servers by Kerberos: it makes the header "Authorization: Negotiate ..." (SPNEGO, RFC
// 4559) of a keytab.
//
//	c, err := kerberos.Open(settings, "fasjson.example.org", nil)
//	header, err := c.Header(ctx) // for each request anew
//	c.Forget()                   // after status 401: the next Header logs in again
//
// Terms of RFC 4120: the KDC knows all keys of a realm. A principal is who somebody is there, such as
// notifyd/host.example.org@EXAMPLE.ORG, and a keytab holds its keys. With one we get a ticket for tickets (AS
// exchange), with that a ticket for one service of one host, HTTP/fasjson.example.org (TGS exchange), and with that
// each request gets a token of its own, since a server takes none twice.
//
// # What holds
//
//   - Each exchange with a KDC ends with ctx, and after patience in any case. What a KDC may send is bounded. No
//     goroutine runs between two calls. So the exchanges are ours, and the messages and their cryptography are those
//     of gokrb5: its client renews tickets by goroutines that nobody can wait for, heeds no ctx, and lets a KDC choose
//     how much memory an answer takes.
//   - A ticket is replaced when five sixths of its time have passed. Until it has ended it is used while the KDC is
//     away.
//   - Keytab and krb5.conf are read at each login: what has replaced them counts from then on.
//   - A token is for one host: that which Open names.
//   - No key stands in an error.
package kerberos

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/spnego"

	"github.com/notifyd/notifyd/internal/watch"
)

// Settings say who logs in.
type Settings struct {
	Principal string `yaml:"principal"` // NAME@REALM; without a realm it is the default_realm of Config
	Keytab    string `yaml:"keytab" secret:"file"`
	Config    string `yaml:"config"`  // a krb5.conf; "" is /etc/krb5.conf
	Service   string `yaml:"service"` // of the host; "" is HTTP
}

// IsSet reports whether there is a login by Kerberos.
func (s Settings) IsSet() bool { return s != Settings{} }

// patience is how long a login may take.
const patience = 30 * time.Second

// A Client makes tokens for one host. It is safe for concurrent use.
type Client struct {
	Settings
	host string
	tls  *tls.Config // of KDCs that are reached by https; nil is Go's
	now  func() time.Time
	turn chan struct{}
	held *ticket // guarded by turn; nil: the next Header logs in
}

// Open checks settings and reads the files. It connects to nothing. An error begins with the key that is wrong. of is
// for KDCs that krb5.conf names by https URLs.
func Open(s Settings, host string, of *tls.Config) (*Client, error) {
	c := &Client{Settings: s, host: strings.TrimSuffix(strings.ToLower(host), "."), now: time.Now,
		turn: make(chan struct{}, 1)}
	if of != nil {
		c.tls = of.Clone()
		c.tls.Certificates, c.tls.GetClientCertificate = nil, nil // they are for the server, not for the KDC
	}
	c.Config, c.Service = cmp.Or(s.Config, "/etc/krb5.conf"), cmp.Or(s.Service, "HTTP")
	switch {
	case s.Principal == "":
		return nil, errors.New("principal: one was expected, such as notifyd/host.example.org@EXAMPLE.ORG")
	case s.Keytab == "":
		return nil, errors.New("keytab: the path of a file was expected")
	case strings.ContainsAny(c.Service, "/@ "):
		return nil, fmt.Errorf("service: %q; a name such as HTTP was expected", c.Service)
	}
	_, err := c.read()
	return c, err
}

// Header returns the header Authorization for one request.
func (c *Client) Header(ctx context.Context) (string, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if c.held == nil || !c.now().Before(c.held.renew) {
		got, err := c.login(ctx)
		switch {
		case err == nil:
			c.held = got
		case c.held == nil || !c.now().Before(c.held.ends):
			return "", fmt.Errorf("log in by Kerberos as %s: %w", c.Principal, err)
		}
	}
	return c.held.token()
}

// Forget makes the next Header log in again.
func (c *Client) Forget() {
	c.turn <- struct{}{}
	c.held = nil
	<-c.turn
}

func (c *Client) login(ctx context.Context) (*ticket, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	with, err := c.read()
	if err != nil {
		return nil, err
	}
	e := exchange{identity: with, kdcs: kdcs{conf: with.conf, tls: c.tls}}
	first, err := e.authenticate(ctx)
	if err != nil {
		return nil, err
	}
	return e.forService(ctx, first, c.Service, c.host)
}

// token returns a token of the ticket. Each is another, by the time and a random number.
func (t *ticket) token() (string, error) {
	who := client.NewWithKeytab(t.of.name, t.of.realm, t.of.keys, t.of.conf) // it holds the names, and is not used else
	start, err := spnego.NewNegTokenInitKRB5(who, t.ticket, t.key)
	if err != nil {
		return "", errors.New("a token cannot be made of the ticket of the KDC: its encryption is not known")
	}
	token, err := (&spnego.SPNEGOToken{Init: true, NegTokenInit: start}).Marshal()
	if err != nil {
		return "", errors.New("a token cannot be written")
	}
	return "Negotiate " + base64.StdEncoding.EncodeToString(token), nil
}

// maxFile bounds krb5.conf and the keytab.
const maxFile = 1 << 20

func readConfig(name string) (*config.Config, error) {
	text, err := watch.ReadFile(name, maxFile)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	conf, err := config.NewFromString(string(text))
	var ignored config.UnsupportedDirective
	if err != nil && (!errors.As(err, &ignored) || conf == nil) {
		return nil, fmt.Errorf("config: %s: %w", name, err)
	}
	return conf, nil
}
