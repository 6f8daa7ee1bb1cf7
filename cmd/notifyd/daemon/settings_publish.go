package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/client"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/say"
	"github.com/notifyd/notifyd/internal/watch"
)

// PublishSettings is the section bus.publish: what is sent by, where a publisher does not say so itself; what the
// daemon signs by; and what it says.
type PublishSettings struct {
	Prefix string `yaml:"prefix"` // first words of each topic
	Env    string `yaml:"env"`    // the word after it
	Relay  string `yaml:"relay"`  // address that takes messages in
	// CertFile and KeyFile are PEM, of RSA, without a passphrase; "": nothing is signed.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file" secret:"false"` // a path
	// Events are what notifyd itself says: see package say.
	Events []string `yaml:"events"`
	// HTTP is where publish posts to, instead of the relay.
	HTTP PublishHTTP `yaml:"http"`
}

// PublishHTTP is a server that takes messages by HTTP, and what publish proves its name by: a token, or sender and key.
type PublishHTTP struct {
	URL     string `yaml:"url"` // "": none
	Sender  string `yaml:"sender"`
	Token   string `yaml:"token" secret:"true"`
	HMACKey string `yaml:"hmac_key" secret:"true"`
}

// check checks what publish would say later.
func (h PublishHTTP) check() error {
	if h == (PublishHTTP{}) {
		return nil
	}
	_, err := client.NewPoster(client.PosterConfig{URL: h.URL, Sender: h.Sender, Token: h.Token, HMACKey: h.HMACKey})
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

// DefaultPublish are fedmsg's own settings.
func DefaultPublish() PublishSettings {
	return PublishSettings{Prefix: "org.fedoraproject", Env: "dev", Relay: "tcp://127.0.0.1:2003",
		Events: []string{say.SourceSilent, say.SourceBack}}
}

// LoadPublish decodes the section and nothing else.
func LoadPublish(f *config.File) (PublishSettings, error) {
	s := DefaultPublish()
	if err := f.Section("bus.publish")(&s); err != nil {
		return s, err
	}
	return s, f.InSection("bus.publish", s.check())
}

func (s PublishSettings) check() error {
	switch {
	case s.Prefix == "" || bus.CheckTopic(s.Prefix) != nil:
		return fmt.Errorf("prefix: %q; expected words such as org.example", s.Prefix)
	case s.Env == "" || bus.CheckTopic(s.Env) != nil:
		return fmt.Errorf("env: %q; expected a word such as dev, stg or prod", s.Env)
	case s.Relay == "":
		return fmt.Errorf("relay: empty; expected an address such as tcp://127.0.0.1:2003")
	case (s.CertFile == "") != (s.KeyFile == ""):
		return fmt.Errorf("cert_file, key_file: both or none were expected")
	}
	if !strings.HasPrefix(s.Relay, "tcp://") && !strings.HasPrefix(s.Relay, "ipc://") {
		return fmt.Errorf("relay: %q; an address such as tcp://127.0.0.1:2003 was expected", s.Relay)
	}
	for _, event := range s.Events {
		if !slices.Contains(say.Events(), event) {
			return fmt.Errorf("events: %q; expected some of %s", event, strings.Join(say.Events(), ", "))
		}
	}
	return s.HTTP.check()
}

// openSigner reads the certificate and the key that the daemon signs by, and gives them to the sources that sign what
// they hand on. Files that are renewed take effect as those of bus.trust do.
func (s *Service) openSigner(f *config.File) error {
	var err error
	source := trust.SignerFiles(s.settings.Publish.CertFile, s.settings.Publish.KeyFile)
	if s.signer, err = watch.New(source, s.settings.Trust.Check, s.log); err != nil {
		return f.InSection("bus.publish", err)
	}
	for _, warning := range s.signerWarnings() {
		s.log.Warn("signatures are limited", "problem", warning)
	}
	for _, c := range countersigning(s.sources) {
		c.CountersignBy(trust.Countersigner{Signer: s.signer.Load, Verifier: s.trust.Load, Now: s.env.Now}.Pass)
	}
	return nil
}

// countersigning gives the sources that sign what they hand on, by their sections.
func countersigning(sources map[string]bus.Source) map[string]bus.Countersigning {
	all := map[string]bus.Countersigning{}
	for name, source := range sources {
		if c, ok := source.(bus.Countersigning); ok && c.Countersigns() {
			all["bus."+name] = c
		}
	}
	return all
}

// checkSigner gives the mistakes of what the daemon signs by.
func checkSigner(f *config.File, set Settings, sources map[string]bus.Source) error {
	var errs []error
	if set.Publish.CertFile == "" {
		for section := range countersigning(sources) {
			errs = append(errs, f.InSection(section, errNoSigner))
		}
	}
	return errors.Join(errs...)
}

// checkOutlets gives the mistakes of outlets that are told to sign.
func checkOutlets(f *config.File, set Settings, outlets map[string]bus.Outlet) error {
	var errs []error
	for name, outlet := range outlets {
		if o, ok := outlet.(bus.FedmsgOutlet); ok && o.Signs() && set.Publish.CertFile == "" {
			errs = append(errs, f.InSection("bus."+name, errNoSigner))
		}
	}
	return errors.Join(errs...)
}

var errNoSigner = errors.New("sign: true needs bus.publish.cert_file and key_file")

// checkSignerFiles reads the certificate and the key.
func checkSignerFiles(set Settings) error {
	if set.Publish.check() != nil {
		return nil // which is said already
	}
	content, err := trust.SignerFiles(set.Publish.CertFile, set.Publish.KeyFile).Read()
	if err == nil {
		_, err = content.Make()
	}
	return err
}

// signerWarnings says what limits at this moment what the daemon signs.
func (s *Service) signerWarnings() []string {
	var warnings []string
	if signer := s.signer.Load(); signer != nil {
		if err := signer.ValidAt(s.env.Now()); err != nil {
			warnings = append(warnings, "nobody will believe what bus.publish signs: "+err.Error())
		}
	}
	if err := s.signer.Err(); err != nil {
		warnings = append(warnings, "the last good files of bus.publish stay in use: "+err.Error())
	}
	return warnings
}
