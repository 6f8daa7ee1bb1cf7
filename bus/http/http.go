// Package http receives messages by HTTP: what services POST, and the webhooks of forges and the like.
//
// A service that cannot open a port, or knows no ZeroMQ, sends a JSON object:
//
//	curl -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
//	  -d '{"topic":"org.example.prod.archive.upload","msg":{"package":"tea"}}' https://bus.example.org/api/v1/messages
//
// # What an answer says
//
// 202 says that the router is done with every message of the request: it is in the database, or was there already. So
// the answer waits for Frame.Ack. Any other answer, and none, says that the sender should send again; ids make that
// safe. This is at-least-once delivery with an idempotent receiver, as for the acknowledgement of a broker. An id comes
// from the message, from the header Idempotency-Key
// (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header), or is made.
//
// Errors are problem details (RFC 9457). They name the line and the fault, except of a credential: what is wrong with
// that is nobody's business.
//
// # Who sends
//
// Each sender has a name in the configuration, which becomes Frame.Source, so that it has a queue, metrics and quotas
// of its own, and Frame.Publisher, which the verifier counts as proved by a broker. It proves its name by a bearer
// token (RFC 6750), or signs with HMAC in the form of Standard Webhooks (https://www.standardwebhooks.com), which also
// says when. Secrets are compared in constant time. A name may send under its topics only.
//
// # Webhooks
//
// A webhook proves who sends by a signature, or a token, that each service computes in its own way, and says what it is
// about in its own headers. An Adapter is that as data. Its expressions are total functions of headers and body: they
// cannot fail, run long, or make another topic than the adapter has.
//
// # Bounds
//
// Whatever a client can make large or slow is bounded: connections, the head of a request, its body in bytes, lines and
// seconds, requests at a time, the memory of all bodies, messages a second of each sender. Those who have proved
// nothing yet have a room of their own, so that they take none from the others. While a sender's queue in the Intake is
// full, its requests wait, and are answered 503 with Retry-After in the end.
package http

import (
	"cmp"
	"maps"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// Config is the section bus.http. The zero value of a field means its default.
type Config struct {
	// Listen is where requests are taken, such as 127.0.0.1:8090. Must be set.
	Listen string `yaml:"listen"`
	// CertFile and KeyFile are PEM files, which are read again when they change. "": plain HTTP, for a proxy that has
	// TLS.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file" secret:"false"` // a path
	// Senders are the services that may POST, by name.
	Senders map[string]Sender `yaml:"senders"`
	// Hooks are where services send webhooks, by name: /hooks/NAME.
	Hooks map[string]Hook `yaml:"hooks"`
	// Adapters are a site's own, by name, beside those in the folder adapters.
	Adapters map[string]Adapter `yaml:"adapters"`
	// MaxBody is the size of a request's body in bytes. Default and most: bus.MaxPayload and some room.
	MaxBody int64 `yaml:"max_body"`
	// MaxLines is the number of messages in one request. Default 1000.
	MaxLines int `yaml:"max_lines"`
	// MaxRequests is the number of requests at a time: so many of senders that are known, and so many of others.
	// Default 128.
	MaxRequests int `yaml:"max_requests"`
	// ReadTimeout bounds the head of a request and its body, each. Default 15s.
	ReadTimeout time.Duration `yaml:"read_timeout"`
	// CommitTimeout is how long an answer waits until the messages are in the database. Default 10s.
	CommitTimeout time.Duration `yaml:"commit_timeout"`
}

// A Sender is what a service proves its name by, a Token, its digest or an HMACKey, and what it may do.
type Sender struct {
	// Token is the bearer token. Several, a line each, are all good, so that one can be replaced by another.
	Token string `yaml:"token" secret:"true"`
	// TokenSHA256 is the SHA-256 of the token in hexadecimal; of several, a line each.
	TokenSHA256 string `yaml:"token_sha256" secret:"true"`
	// HMACKey is the secret of signatures, as text, or whsec_ and base64; of several, a line each.
	HMACKey string `yaml:"hmac_key" secret:"true"`
	// Topics are those that it may send under, with all below them; # is all topics. Must be set.
	Topics []string `yaml:"topics"`
	// Rate is messages a second, by default 50; Burst how many may come at once, by default MaxLines.
	Rate  float64 `yaml:"rate"`
	Burst int     `yaml:"burst"`
}

const (
	// bodyRoom is what a body may have beside a payload at the bound.
	bodyRoom    = 4 << 10
	mostBody    = bus.MaxPayload + bodyRoom
	leastSecret = 16 // bytes of a token or key that is ours to choose
	defaultRate = 50.0
)

// Driver opens a Source by the configuration.
func Driver() bus.Driver {
	return bus.NewDriver("http",
		"Takes messages that services POST as JSON, and webhooks of forges and the like.", New)
}

// SetDefaults fills in what zero values stand for; the configuration calls it, so that it prints what is in effect.
func (c *Config) SetDefaults() {
	if c.MaxBody == 0 {
		c.MaxBody = mostBody
	}
	if c.MaxLines == 0 {
		c.MaxLines = 1000
	}
	if c.MaxRequests == 0 {
		c.MaxRequests = 128
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = 15 * time.Second
	}
	if c.CommitTimeout == 0 {
		c.CommitTimeout = 10 * time.Second
	}
	c.Senders, c.Hooks = maps.Clone(c.Senders), maps.Clone(c.Hooks)
	for name, s := range c.Senders {
		s.Rate, s.Burst = cmp.Or(s.Rate, defaultRate), cmp.Or(s.Burst, c.MaxLines)
		c.Senders[name] = s
	}
	for name, h := range c.Hooks {
		h.Rate, h.Burst, h.MaxBody = cmp.Or(h.Rate, defaultRate), cmp.Or(h.Burst, hookBurst), cmp.Or(h.MaxBody, hookBody)
		c.Hooks[name] = h
	}
}
