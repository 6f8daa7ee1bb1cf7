package trust

import "time"

// Config is the section bus.trust of the configuration.
type Config struct {
	CA      string              `yaml:"ca"`       // PEM file of the CAs that sign publishers' certificates
	CRL     string              `yaml:"crl"`      // file of the certificates that are revoked
	GPGKeys string              `yaml:"gpg_keys"` // file of OpenPGP public keys
	Policy  map[string][]string `yaml:"policy"`   // pattern of topics -> who may send under them
	// Nitpicky refuses a signer under a topic that no pattern of Policy names.
	Nitpicky bool          `yaml:"nitpicky"`
	MaxAge   time.Duration `yaml:"max_age"` // of a signed message; an older one is stale
	// Verdicts says what is done with each verdict.
	Verdicts map[string]Action `yaml:"verdicts"`
	Sources  map[string]Source `yaml:"sources"` // by the name of the source
	// Links lets a message that is not proved keep its link.
	Links      bool          `yaml:"links"`
	RefuseSHA1 bool          `yaml:"refuse_sha1"` // refuse certificates that are signed with SHA-1
	Check      time.Duration `yaml:"check"`       // how often the files are looked at
}

// A Source is what holds for one source.
type Source struct {
	Trusted  bool              `yaml:"trusted"` // whatever comes from it is believed
	Verdicts map[string]Action `yaml:"verdicts"`
}
