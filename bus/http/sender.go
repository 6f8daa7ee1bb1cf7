package http

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/time/rate"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/webhook"
)

// A sender is who may send messages, by the name in the configuration.
type sender struct {
	name    string
	digests [][sha256.Size]byte // of its tokens
	keys    [][]byte            // of its signatures
	topics  []string
	limit   *rate.Limiter
	meter   *bus.Meter
	room    *room // of its requests
}

// allTopics in a sender's topics is every topic.
const allTopics = "#"

func newSender(name string, t Sender, c Config, log *slog.Logger) (*sender, error) {
	if !senderName.MatchString(name) {
		return nil, fmt.Errorf("a name of letters, digits and _ . @ - was expected")
	}
	s := &sender{name: name, topics: t.Topics}
	for _, token := range lines(t.Token) {
		if len(token) < leastSecret {
			return nil, fmt.Errorf("token: at least %d bytes were expected", leastSecret)
		}
		s.digests = append(s.digests, sha256.Sum256([]byte(token)))
	}
	for _, text := range lines(t.TokenSHA256) {
		digest, err := hex.DecodeString(text)
		if err != nil || len(digest) != sha256.Size {
			return nil, fmt.Errorf("token_sha256: %d digits in hexadecimal were expected", 2*sha256.Size)
		}
		s.digests = append(s.digests, [sha256.Size]byte(digest))
	}
	for _, text := range lines(t.HMACKey) {
		key := webhook.Key(text)
		if len(key) < leastSecret {
			return nil, fmt.Errorf("hmac_key: at least %d bytes were expected", leastSecret)
		}
		s.keys = append(s.keys, key)
	}
	if len(s.digests)+len(s.keys) == 0 {
		return nil, fmt.Errorf("token, token_sha256 or hmac_key: one was expected")
	}
	if err := checkTopics(t.Topics); err != nil {
		return nil, err
	}
	return s, s.bound(t.Rate, t.Burst, c, log)
}

// bound gives s its rate and its meter.
func (s *sender) bound(perSecond float64, burst int, c Config, log *slog.Logger) error {
	if perSecond < 0 || burst < 0 {
		return fmt.Errorf("rate and burst: must not be negative")
	}
	s.limit = rate.NewLimiter(rate.Limit(perSecond), burst)
	s.meter = bus.NewMeter(s.name, c.Listen, log.With("sender", s.name))
	return nil
}

// lines gives the lines of text that are not empty.
func lines(text string) (list []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSuffix(line, "\r"); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// has reports whether a token is one of s's. It compares all of them, in the same time whatever the token is.
func (s *sender) has(token string) bool {
	digest, same := sha256.Sum256([]byte(token)), 0
	for _, d := range s.digests {
		same |= subtle.ConstantTimeCompare(d[:], digest[:])
	}
	return same == 1
}

// may reports whether s may send under a topic.
func (s *sender) may(topic string) bool {
	for _, t := range s.topics {
		if rest, below := strings.CutPrefix(topic, t); t == allTopics || below && (rest == "" || rest[0] == '.') {
			return true
		}
	}
	return false
}
