// Package bridge hands messages on to another notifyd, which takes them by HTTP (package http): a bridge that needs no
// broker.
package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/client"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/internal/tlsfiles"
	"github.com/notifyd/notifyd/internal/watch"
)

// A BridgeConfig is one bridge of the section bus.to_http. The zero value of a field means its default, except where
// the field says otherwise.
type BridgeConfig struct {
	// URL is the other notifyd, such as https://bus.example.org; without a path, /api/v1/messages is added.
	URL string `yaml:"url"`
	// Token is the bearer token that is a sender's there. Or Sender is the sender's name, and HMACKey its secret.
	Token   string `yaml:"token" secret:"true"`
	Sender  string `yaml:"sender"`
	HMACKey string `yaml:"hmac_key" secret:"true"`
	// CAFile, CertFile and KeyFile are PEM files for TLS. Without CAFile the system's authorities are trusted.
	CAFile   string `yaml:"ca_file"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file" secret:"false"`
	// Topics, NotFrom, Unproved and LiveOnly are as in bus.Choice.
	Topics   []string `yaml:"topics"`
	NotFrom  []string `yaml:"not_from"`
	Unproved bool     `yaml:"unproved"`
	LiveOnly bool     `yaml:"live_only"`
	// Timeout bounds one request and its answer. Default 30s.
	Timeout time.Duration `yaml:"timeout"`
	// RetryMin and RetryMax bound the growing, jittered pause after a failure. Default 1s and 1m.
	RetryMin time.Duration `yaml:"retry_min"`
	RetryMax time.Duration `yaml:"retry_max"`
}

// Bridges is the section bus.to_http: bridges by name.
type Bridges map[string]BridgeConfig

// SetDefaults fills in what zero values stand for.
func (c Bridges) SetDefaults() {
	for name, b := range c {
		c[name] = b.withDefaults()
	}
}

func (c BridgeConfig) withDefaults() BridgeConfig {
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.RetryMin = cmp.Or(c.RetryMin, time.Second)
	c.RetryMax = cmp.Or(c.RetryMax, time.Minute)
	c.RetryMax = max(c.RetryMin, c.RetryMax)
	return c
}

// Driver opens bridges by the configuration.
func Driver() bus.BridgeDriver {
	return bus.NewBridgeDriver[Bridges]("to_http", "Posts what is stored to another notifyd.", open)
}

func open(name string, c BridgeConfig, _ *slog.Logger) (bus.OpenBridge, error) {
	b, err := NewBridge(c)
	if err != nil {
		return bus.OpenBridge{}, err
	}
	c = b.config
	return bus.OpenBridge{Name: name, To: c.URL, Bridge: b, Choice: bus.Choice{
		Topics: c.Topics, NotFrom: c.NotFrom, Unproved: c.Unproved, LiveOnly: c.LiveOnly,
		RetryMin: c.RetryMin, RetryMax: c.RetryMax,
	}}, nil
}

// A Bridge posts to a Source of another notifyd. What it calls done is in the database there.
type Bridge struct {
	config BridgeConfig
	poster *client.Poster
}

// NewBridge checks c and makes a Bridge. An error names the key and what was expected.
func NewBridge(c BridgeConfig) (*Bridge, error) {
	c = c.withDefaults()
	for _, d := range []struct {
		key          string
		value, least time.Duration
	}{{"timeout", c.Timeout, 10 * time.Millisecond}, {"retry_min", c.RetryMin, time.Millisecond}} {
		if d.value < d.least {
			return nil, fmt.Errorf("%s: %v; at least %v", d.key, d.value, d.least)
		}
	}
	for _, t := range c.Topics {
		if t == "" || len(t) > bus.MaxTopic {
			return nil, fmt.Errorf("topics: %q; a pattern of 1 to %d bytes was expected", t, bus.MaxTopic)
		}
	}
	if (c.Token == "") == (c.HMACKey == "") || (c.Sender == "") != (c.HMACKey == "") {
		return nil, errors.New("token, hmac_key: a token was expected, or an hmac_key and the sender's name")
	}
	tls, err := tlsfiles.Files{CA: c.CAFile, Cert: c.CertFile, Key: c.KeyFile}.Config(watch.ReadFile)
	if err != nil {
		return nil, err
	}
	poster, err := client.NewPoster(client.PosterConfig{
		URL: c.URL, Token: c.Token, Sender: c.Sender, HMACKey: c.HMACKey, Timeout: c.Timeout, TLS: tls,
		Patience: time.Nanosecond, // once: who calls Carry tries again
	})
	if err != nil {
		if problem, ok := strings.CutPrefix(err.Error(), "URL: "); ok {
			return nil, errors.New("url: " + problem)
		}
		return nil, err
	}
	return &Bridge{config: c, poster: poster}, nil
}

// Reasons for which a load is refused.
const (
	RefusedFault  = "fault"     // the other notifyd says that it is no message
	RefusedLarge  = "too_large" // for the other notifyd, alone in its request
	RefusedUnread = "unread"    // the payload was too large to be read, and it is no plain JSON
)

// Carry posts loads until all are stored, or refused: see bus.Bridge.
func (b *Bridge) Carry(ctx context.Context, loads []bus.Load) (done int, refused []bus.Refused, err error) {
	objects, at, refused := b.objects(loads)
	for len(objects) > 0 {
		ids, err := b.poster.PostJSON(ctx, objects...)
		objects, at = objects[len(ids):], at[len(ids):]
		if err == nil {
			break
		}
		var answer *client.Refusal
		bad := []bus.Refused(nil)
		if errors.As(err, &answer) {
			bad = b.refusedBy(answer, len(ids), at)
		}
		if len(bad) == 0 {
			b.wait(ctx, answer)
			return at[0], before(refused, at[0]), err
		}
		refused = append(refused, bad...)
		slices.SortFunc(refused, func(a, b bus.Refused) int { return a.Index - b.Index })
		for _, r := range slices.Backward(bad) {
			i := slices.Index(at, r.Index)
			objects, at = slices.Delete(objects, i, i+1), slices.Delete(at, i, i+1)
		}
	}
	return len(loads), refused, nil
}

// objects gives what is posted of each load, and the index of that load.
func (b *Bridge) objects(loads []bus.Load) (objects [][]byte, at []int, refused []bus.Refused) {
	for i, l := range loads {
		text, err := object(l)
		if err != nil {
			refused = append(refused, bus.Refused{Index: i, Reason: RefusedUnread, Err: err})
			continue
		}
		objects, at = append(objects, text), append(at, i)
	}
	return objects, at, refused
}

// refusedBy gives the loads that an answer refuses for good. posted are those of the call that were taken before.
func (b *Bridge) refusedBy(answer *client.Refusal, posted int, at []int) (bad []bus.Refused) {
	if answer.Status == http.StatusRequestEntityTooLarge { // the first one alone: of more, fewer would have been tried
		return []bus.Refused{{Index: at[0], Reason: RefusedLarge, Err: answer}}
	}
	if answer.Status != http.StatusUnprocessableEntity {
		return nil
	}
	for _, f := range answer.Faults {
		if i := f.Message - 1 - posted; i >= 0 && i < len(at) && !slices.ContainsFunc(bad, func(r bus.Refused) bool {
			return r.Index == at[i]
		}) {
			bad = append(bad, bus.Refused{Index: at[i], Reason: RefusedFault, Err: errors.New(f.Detail)})
		}
	}
	slices.SortFunc(bad, func(a, b bus.Refused) int { return a.Index - b.Index })
	return bad
}

// before gives the refusals of loads before the one at end: what comes after it is tried again.
func before(refused []bus.Refused, end int) []bus.Refused {
	return slices.DeleteFunc(refused, func(r bus.Refused) bool { return r.Index >= end })
}

// wait waits for as long as the other notifyd has asked for, within RetryMax.
func (b *Bridge) wait(ctx context.Context, answer *client.Refusal) {
	if answer != nil && answer.RetryAfter > 0 {
		backoff.Sleep(ctx, min(answer.RetryAfter, b.config.RetryMax))
	}
}

// Close closes idle connections; there are no others.
func (b *Bridge) Close() error {
	b.poster.Close()
	return nil
}

// Collect emits nothing: what every bridge counts says it all.
func (b *Bridge) Collect(metric.Emit) {}
