package trust

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A policy is the site's wishes: who may send under which topics, and what is done with what is not proved.
type policy struct {
	exact    map[string]rule // by topic
	patterns []rule          // those with wildcards, the most specific first
	nitpicky bool
	maxAge   time.Duration
	actions  map[bus.Verdict]Action
	sources  map[string]exceptions
}

// A rule names those who may send under the topics of a pattern.
type rule struct {
	pattern
	signers []string
	keys    []string // the signers that look like OpenPGP keys, as keyID writes them
}

type exceptions struct {
	trusted bool
	actions map[bus.Verdict]Action
}

// newPolicy makes the policy of a Config with defaults.
func newPolicy(c Config) (*policy, error) {
	p := &policy{
		exact: map[string]rule{}, nitpicky: c.Nitpicky, maxAge: c.MaxAge,
		actions: c.Verdicts.byVerdict(), sources: map[string]exceptions{},
	}
	var errs []error
	for _, text := range slices.Sorted(maps.Keys(c.Policy)) {
		r, err := newRule(text, c.Policy[text])
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("policy.%s: %w", text, err))
		case r.pattern.exact():
			p.exact[text] = r
		default:
			p.patterns = append(p.patterns, r)
		}
	}
	slices.SortFunc(p.patterns, func(a, b rule) int { return moreSpecific(a.pattern, b.pattern) })
	for name, s := range c.Sources {
		p.sources[name] = exceptions{s.Trusted, s.Verdicts.or(c.Verdicts).byVerdict()}
	}
	return p, errors.Join(errs...)
}

func newRule(text string, signers []string) (rule, error) {
	r := rule{signers: signers}
	var err error
	if r.pattern, err = parsePattern(text); err != nil {
		return rule{}, err
	}
	if len(signers) == 0 {
		return rule{}, errors.New("an empty list; expected the names of those who may send, such as [bodhi.example.org]")
	}
	for _, signer := range signers {
		if strings.TrimSpace(signer) == "" {
			return rule{}, errors.New("an empty name; expected the name of a certificate, key or publisher")
		}
		id, err := keyID(signer)
		if err != nil {
			return rule{}, err
		}
		if id != "" {
			r.keys = append(r.keys, id)
		}
	}
	return r, nil
}

// keyID writes the fingerprint or the long id of an OpenPGP key in capitals, without the spaces and the 0x that tools
// print; "" for what is neither. The ids of eight digits are not read: anybody can make a key with a given one. Nor is
// a fingerprint that lacks a digit.
func keyID(text string) (string, error) {
	id := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	id = strings.TrimPrefix(id, "0X")
	hex := func(r rune) bool { return r >= '0' && r <= '9' || r >= 'A' && r <= 'F' }
	switch n := len(id); {
	case n < 8 || strings.ContainsFunc(id, func(r rune) bool { return !hex(r) }):
		return "", nil
	case n != 16 && n != 40 && n != 64:
		return "", fmt.Errorf("%q has %d hexadecimal digits; expected the fingerprint of a key (40 or 64) or its long id (16)",
			text, n)
	}
	return id, nil
}

// find gives the rule for a topic, the most specific that matches it.
func (p *policy) find(topic string) (rule, bool) {
	if r, ok := p.exact[topic]; ok {
		return r, true
	}
	if len(p.patterns) == 0 {
		return rule{}, false
	}
	words := strings.Split(topic, ".")
	for _, r := range p.patterns {
		if r.matches(words) {
			return r, true
		}
	}
	return rule{}, false
}

// allows reports whether the signer of f may send.
func (r rule) allows(f finding) bool {
	if f.Method == bus.GPG {
		return slices.ContainsFunc(f.keys, func(fingerprint string) bool { return r.names(strings.ToUpper(fingerprint)) })
	}
	return slices.Contains(r.signers, f.Signer)
}

// names reports whether r names a key by its fingerprint or its id, which is the end of the fingerprint (v4, RFC 4880)
// or its beginning (v6, RFC 9580).
func (r rule) names(fingerprint string) bool {
	return fingerprint != "" && slices.ContainsFunc(r.keys, func(key string) bool {
		v4 := len(fingerprint) == 40
		return v4 && strings.HasSuffix(fingerprint, key) || !v4 && strings.HasPrefix(fingerprint, key)
	})
}

// refusal says why the signer of f may not send under a topic; "" where it may. It is a part of a sentence.
func (p *policy) refusal(topic string, f finding) string {
	r, ok := p.find(topic)
	switch {
	case !ok && p.nitpicky:
		return "the policy names nobody who may send under this topic"
	case !ok || r.allows(f):
		return ""
	}
	return fmt.Sprintf("the policy for %s does not name the signer", r.text)
}

// judge applies the policy to what was found.
func (p *policy) judge(m *bus.Message, f finding, now time.Time) (bus.Standing, Action) {
	actions := p.actions
	special, ok := p.sources[m.Source]
	if ok {
		actions = special.actions
	}
	s, action := p.standing(m, f, now, actions)
	if special.trusted && !m.ThirdParty && s.Verdict != bus.Signed {
		s, action = believed(s), Accept
	}
	s.Marked = action == Mark
	return s, action
}

// standing makes a standing of a finding, and its action: the strictest of those for all that is wrong with it.
func (p *policy) standing(m *bus.Message, f finding, now time.Time, actions map[bus.Verdict]Action) (bus.Standing,
	Action) {
	s, action := f.Standing, actions[f.Verdict]
	if s.Verdict != bus.Signed && s.Verdict != bus.BodyOnly {
		return s, action
	}
	if why := p.stale(m, f, now); why != "" {
		s.Verdict, s.Reason = bus.Stale, join(why, s.Reason)
		action = stricter(action, actions[bus.Stale])
	}
	if refusal := p.refusal(m.Topic, f); refusal != "" {
		s.Reason = join(refusal, s.Reason)
		action = stricter(action, actions[bus.WrongSigner])
		// A signature of the body does not cover the topic: the signer may never have sent under it, and is not to be
		// blamed. The message gains nothing by that either.
		if f.Verdict == bus.Signed {
			s.Verdict = bus.WrongSigner
		}
	}
	return s, action
}

// believed is the standing of what a trusted source sends. A fault that was found stays readable.
func believed(s bus.Standing) bus.Standing {
	b := bus.Standing{Verdict: bus.Trusted, Method: bus.Relay, Reason: "the site believes this source"}
	if s.Verdict != bus.Unsigned && s.Verdict != bus.Unchecked {
		b.Reason += "; otherwise it would be: " + s.Words()
	}
	return b
}

// stale says why the time of a signed message is too far from ours; "" where it is not. What fills a hole is old by its
// nature, and its source was asked for it: so its own time stands for ours. Only an OpenPGP signature has another, and
// an archive could give an old body as one of today.
func (p *policy) stale(m *bus.Message, f finding, now time.Time) string {
	if m.Late {
		now = m.Time
	}
	switch age := now.Sub(f.signedAt); {
	case m.Late && (f.signedAt.IsZero() || age <= p.maxAge):
		return ""
	case f.signedAt.IsZero():
		return "it says no time that can be, so it may be a repeat of an old one"
	case age > p.maxAge:
		return fmt.Sprintf("its time is %s UTC, more than %s ago", f.signedAt.UTC().Format(time.DateTime), days(p.maxAge))
	case age < -futureBound:
		return fmt.Sprintf("its time is %s UTC, which lies ahead", f.signedAt.UTC().Format(time.DateTime))
	}
	return ""
}

// days writes an age for people: "30 days", not "720h0m0s".
func days(age time.Duration) string {
	const day = 24 * time.Hour
	if age%day != 0 || age <= day {
		return age.String()
	}
	return fmt.Sprintf("%d days", age/day)
}

func stricter(a, b Action) Action {
	severity := []Action{Accept, Mark, Drop}
	return severity[max(slices.Index(severity, a), slices.Index(severity, b))]
}

// join puts reasons together.
func join(reasons ...string) string {
	return strings.Join(slices.DeleteFunc(reasons, func(r string) bool { return r == "" }), "; ")
}
