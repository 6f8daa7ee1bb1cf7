package trust

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/notifyd/notifyd/internal/watch"
)

// maxFile bounds each of the files. The largest public keyring of a distribution has 40 MB.
const maxFile = 128 << 20

// files are the files that c names, with their keys in the configuration.
func (c *Config) files() []struct{ key, name string } {
	all := []struct{ key, name string }{{"ca", c.CA}, {"crl", c.CRL}, {"gpg_keys", c.GPGKeys}}
	var named []struct{ key, name string }
	for _, f := range all {
		if f.name != "" {
			named = append(named, f)
		}
	}
	return named
}

// Open makes the Verifier of a configuration with the files that it names.
func Open(c Config) (*Verifier, error) {
	content, err := Files(c).Read()
	if err != nil {
		return nil, err
	}
	return content.Make()
}

// Files is the source of the Verifiers of a configuration: other files make another one.
func Files(c Config) watch.Source[*Verifier] {
	c.SetDefaults()
	source := watch.Source[*Verifier]{
		Name:    "bus.trust",
		Read:    func() (watch.Content[*Verifier], error) { return read(c) },
		Figures: (*Verifier).figures,
	}
	if len(c.files()) == 0 {
		return source
	}
	source.Look = func() ([]fs.FileInfo, error) {
		var infos []fs.FileInfo
		for _, f := range c.files() {
			info, err := os.Stat(f.name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.key, err)
			}
			infos = append(infos, info)
		}
		return infos, nil
	}
	return source
}

// read reads the files of c, and sums up their bytes.
func read(c Config) (watch.Content[*Verifier], error) {
	var keys Keys
	into := map[string]*[]byte{"ca": &keys.CA, "crl": &keys.CRL, "gpg_keys": &keys.GPG}
	sum := sha256.New()
	var errs []error
	for _, f := range c.files() {
		text, err := watch.ReadFile(f.name, maxFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.key, err))
			continue
		}
		*into[f.key] = text
		fmt.Fprintf(sum, "%s %d ", f.key, len(text))
		sum.Write(text)
	}
	if len(errs) > 0 {
		return watch.Content[*Verifier]{}, errors.Join(errs...)
	}
	return watch.Content[*Verifier]{
		Sum:  [sha256.Size]byte(sum.Sum(nil)),
		Make: func() (*Verifier, error) { return New(c, keys) },
	}, nil
}

// figures says for the log what is checked by.
func (v *Verifier) figures() []any {
	figures := []any{"x509", v.x509 != nil, "gpg", v.gpg != nil, "topics", len(v.config.Policy)}
	if !v.CRLExpires().IsZero() {
		figures = append(figures, "crl_expires", v.CRLExpires().UTC())
	}
	return figures
}
