package trust

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// Config is the section bus.trust of the configuration. The zero value of a field means its default.
type Config struct {
	CA      string `yaml:"ca"`                      // PEM file of the CAs that sign publishers' certificates
	CRL     string `yaml:"crl"`                     // file of the certificates that are revoked
	GPGKeys string `yaml:"gpg_keys" secret:"false"` // file of OpenPGP public keys
	// Policy says who may send under which topics: pattern -> names of signers. A name is the common name of a
	// certificate, the fingerprint or the 16 digits of the id of an OpenPGP key, or the name that a broker has
	// authenticated. Of the patterns that match a topic only the most specific counts: see moreSpecific.
	Policy map[string][]string `yaml:"policy"`
	// Nitpicky refuses every signer under a topic that no pattern of Policy matches.
	Nitpicky bool `yaml:"nitpicky"`
	// MaxAge is the age of a signed message from which on it is stale. Default 720h: history does not keep what is
	// older, so that a repeat of it could not be recognised.
	MaxAge time.Duration `yaml:"max_age"`
	// Verdicts says what is done with a message of each verdict.
	Verdicts Verdicts `yaml:"verdicts"`
	// Sources are exceptions for single sources, by their names.
	Sources map[string]Source `yaml:"sources"`
	// Links lets a message that is not proved keep its link.
	Links      bool          `yaml:"links"`
	RefuseSHA1 bool          `yaml:"refuse_sha1"` // refuse certificates that are signed with SHA-1
	Check      time.Duration `yaml:"check"`       // how often the files are looked at. Default 10s
}

// A Source is the exceptions for one source.
type Source struct {
	Trusted  bool     `yaml:"trusted"`  // whatever comes from it is believed
	Verdicts Verdicts `yaml:"verdicts"` // those of Config, where they are not set here
}

// Verdicts are the actions by verdict. Trusted is not among them: what the site believes is accepted.
type Verdicts struct {
	Signed      Action `yaml:"signed"`
	BodyOnly    Action `yaml:"body_only"`
	WrongSigner Action `yaml:"wrong_signer"`
	Stale       Action `yaml:"stale"`
	Unsigned    Action `yaml:"unsigned"`
	Unchecked   Action `yaml:"unchecked"`
	Invalid     Action `yaml:"invalid"`
}

// The defaults: a site that can check marks what it cannot prove, and drops what is a proved forgery. One that cannot
// would mark everything, which says nothing; it marks what claims to be proved.
var (
	checking    = Verdicts{Accept, Mark, Mark, Mark, Mark, Mark, Drop}
	notChecking = Verdicts{Accept, Mark, Mark, Mark, Accept, Mark, Mark}
)

// futureBound is how far ahead of our clock the time of a signed message may be.
const futureBound = time.Hour

// checks reports whether a signature can be checked at all.
func (c *Config) checks() bool { return c.CA != "" || c.GPGKeys != "" }

// SetDefaults implements config.Defaulter.
func (c *Config) SetDefaults() {
	c.MaxAge = cmp.Or(c.MaxAge, 30*24*time.Hour)
	c.Check = cmp.Or(c.Check, 10*time.Second)
	if c.checks() {
		c.Verdicts = c.Verdicts.or(checking)
	} else {
		c.Verdicts = c.Verdicts.or(notChecking)
	}
}

// or takes the actions that v does not set from w.
func (v Verdicts) or(w Verdicts) Verdicts {
	return Verdicts{
		cmp.Or(v.Signed, w.Signed), cmp.Or(v.BodyOnly, w.BodyOnly), cmp.Or(v.WrongSigner, w.WrongSigner),
		cmp.Or(v.Stale, w.Stale), cmp.Or(v.Unsigned, w.Unsigned), cmp.Or(v.Unchecked, w.Unchecked),
		cmp.Or(v.Invalid, w.Invalid),
	}
}

// byVerdict is v as a map.
func (v Verdicts) byVerdict() map[bus.Verdict]Action {
	return map[bus.Verdict]Action{
		bus.Signed: v.Signed, bus.BodyOnly: v.BodyOnly, bus.WrongSigner: v.WrongSigner, bus.Stale: v.Stale,
		bus.Unsigned: v.Unsigned, bus.Unchecked: v.Unchecked, bus.Invalid: v.Invalid, bus.Trusted: Accept,
	}
}

// check gives the mistakes of a Config with defaults, each with its key. New checks patterns and files.
func (c *Config) check() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.CRL != "" && c.CA == "" {
		bad("crl", "there is no ca to check it by; expected the file of the CA at ca, or no crl")
	}
	if c.RefuseSHA1 && c.CA == "" {
		bad("refuse_sha1", "there is no ca, so no certificate is checked; expected the file of the CA at ca")
	}
	if c.MaxAge < time.Minute || c.MaxAge > 100*365*24*time.Hour {
		bad("max_age", "%s; expected between 1m and 876000h", c.MaxAge)
	}
	if c.Check < 100*time.Millisecond || c.Check > time.Hour {
		bad("check", "%s; expected between 100ms and 1h", c.Check)
	}
	errs = append(errs, c.Verdicts.check("verdicts"))
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		s := c.Sources[name]
		if s.Trusted && s.Verdicts != (Verdicts{}) {
			bad("sources."+name, "trusted and verdicts exclude each other: what is trusted is accepted")
		}
		errs = append(errs, s.Verdicts.check("sources."+name+".verdicts"))
	}
	return errors.Join(errs...)
}

func (v Verdicts) check(key string) error {
	var errs []error
	actions := v.byVerdict()
	for _, verdict := range slices.Sorted(maps.Keys(actions)) {
		if a := actions[verdict]; a != "" && a != Accept && a != Mark && a != Drop {
			errs = append(errs, fmt.Errorf("%s.%s: %q; expected accept, mark or drop", key, verdict, string(a)))
		}
	}
	return errors.Join(errs...)
}

// CheckSources gives the mistake of naming a source that is not among known.
func (c *Config) CheckSources(known []string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("sources.%s: no source is called so; expected one of %s", name,
				cmp.Or(strings.Join(slices.Sorted(slices.Values(known)), ", "), "none, since no bus is configured")))
		}
	}
	return errors.Join(errs...)
}
