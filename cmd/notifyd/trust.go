package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
)

// trustFlags say what a command checks messages by: the files named here, or else bus.trust of the configuration.
type trustFlags struct {
	CA       string   `name:"ca" type:"path" placeholder:"FILE" help:"Certificates of the CA in PEM. This flag and the next four are used instead of bus.trust in the configuration."`
	CRL      string   `name:"crl" type:"path" placeholder:"FILE" help:"What the CA has revoked."`
	GPGKeys  string   `name:"gpg-keys" type:"path" placeholder:"FILE" help:"OpenPGP public keys."`
	Policy   []string `sep:"none" placeholder:"TOPIC=SIGNER,..." help:"Who may send under a topic, in which * is one word and # any number; repeatable."`
	Nitpicky bool     `help:"Nobody may send under a topic that no --policy names."`
}

// given reports whether any flag is set.
func (t *trustFlags) given() bool {
	return t.CA != "" || t.CRL != "" || t.GPGKeys != "" || len(t.Policy) > 0 || t.Nitpicky
}

// open makes the verifier.
func (t *trustFlags) open(e *env) (*trust.Verifier, error) {
	c, in, err := t.config(e)
	if err != nil {
		return nil, err
	}
	v, err := trust.Open(c)
	return v, in(err)
}

// config gives what the flags say, or else the configuration; in says of an error where the cause of it stands.
func (t *trustFlags) config(e *env) (c trust.Config, in func(error) error, err error) {
	if !t.given() {
		f, err := openConfig(e)
		if err != nil {
			return c, nil, err
		}
		err = f.Section("bus.trust")(&c)
		return c, func(err error) error { return f.InSection("bus.trust", err) }, err
	}
	c = trust.Config{CA: t.CA, CRL: t.CRL, GPGKeys: t.GPGKeys, Nitpicky: t.Nitpicky, Policy: map[string][]string{}}
	for _, line := range t.Policy {
		topic, signers, ok := strings.Cut(line, "=")
		if !ok {
			return c, nil, fmt.Errorf("--policy %q: expected TOPIC=SIGNER,SIGNER", line)
		}
		c.Policy[topic] = append(c.Policy[topic], strings.Split(signers, ",")...)
	}
	return c, func(err error) error {
		if err != nil {
			return fmt.Errorf("cannot check messages: %w", err)
		}
		return nil
	}, nil
}

// openChecking makes a verifier that can check something.
func (t *trustFlags) openChecking(e *env) (*trust.Verifier, error) {
	v, err := t.open(e)
	if err == nil && !v.Checks() {
		return nil, errors.New("there is nothing to check messages by: name --ca or --gpg-keys, or set them at bus.trust " +
			"in the configuration")
	}
	return v, err
}

// warnOfTrust says on standard error what is wrong with the files.
func warnOfTrust(e *env, v *trust.Verifier) {
	for _, warning := range v.Warnings(e.now()) {
		fmt.Fprintln(e.stderr, "warning:", warning)
	}
}

// archiveFlags say by what a command checks the messages of an archive, if it does.
type archiveFlags struct {
	trustFlags
	Trust bool `help:"Check who has signed each message, at its own time: by --ca and the like, or by bus.trust of the configuration."`
}

// verifier opens what messages are checked by; nil where they are not checked.
func (f *archiveFlags) verifier(e *env) (*trust.Verifier, error) {
	if !f.Trust && !f.given() {
		return nil, nil
	}
	v, err := f.open(e)
	if err == nil {
		warnOfTrust(e, v)
	}
	return v, err
}

// archived judges a message that is read from an archive: certificates count that were valid at its own time, and its
// age is none.
func archived(v *trust.Verifier, e *env, m *bus.Message) trust.Action {
	m.Late = true
	var action trust.Action
	m.Standing, action = v.Judge(m, e.now())
	return action
}

// signFlags say by what a command signs messages.
type signFlags struct {
	Sign bool   `help:"Sign messages as fedmsg does, by --cert and --key, or else by bus.publish of the configuration."`
	Cert string `type:"path" placeholder:"FILE" help:"Certificate of the signer, in PEM."`
	Key  string `type:"path" placeholder:"FILE" help:"Its key, in PEM, without a passphrase."`
}

// open makes the Signer; nil where nothing is to be signed. A certificate that is out of date is an error: nobody would
// believe what it signs.
func (f *signFlags) open(e *env) (*trust.Signer, error) {
	cert, key := f.Cert, f.Key
	switch {
	case !f.Sign && cert == "" && key == "":
		return nil, nil
	case !f.Sign || (cert == "") != (key == ""):
		return nil, errors.New("--sign, --cert and --key belong together")
	case cert == "":
		set, err := publishSettings(e)
		if err != nil {
			return nil, err
		}
		if cert, key = set.CertFile, set.KeyFile; cert == "" {
			return nil, errors.New("--sign: by what? Name --cert and --key, or set bus.publish.cert_file and key_file in the " +
				"configuration")
		}
	}
	content, err := trust.SignerFiles(cert, key).Read()
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	signer, err := content.Make()
	if err == nil {
		err = signer.ValidAt(e.now())
	}
	if err != nil {
		return nil, fmt.Errorf("sign by %s and %s: %w", cert, key, err)
	}
	return signer, nil
}

// publishSettings reads bus.publish of the configuration.
func publishSettings(e *env) (daemon.PublishSettings, error) {
	f, err := openConfig(e)
	if err != nil {
		return daemon.PublishSettings{}, err
	}
	return daemon.LoadPublish(f)
}

// verifier opens what messages are checked by; nil where they are not checked. The packaged configuration is read only
// if --validate or a missing --endpoint asks for it: most people cannot read it.
func (c *tailCmd) verifier(e *env) (*trust.Verifier, error) {
	switch {
	case c.Validate != nil && !*c.Validate:
		return nil, nil
	case c.Validate != nil || c.given():
		v, err := c.openChecking(e)
		if err == nil {
			warnOfTrust(e, v)
		}
		return v, err
	case e.config == "" && len(c.Endpoint) > 0:
		return nil, nil
	}
	v, err := c.open(e)
	if err != nil || !v.Checks() {
		return nil, err
	}
	warnOfTrust(e, v)
	return v, nil
}

// valid judges a message, and reports whether it is shown. A signature that covers the body only is valid, as it is for
// fedmsg.
func (c *tailCmd) valid(e *env, v *trust.Verifier, m *bus.Message) bool {
	if v == nil {
		m.Standing = bus.Standing{}
		return true
	}
	m.Standing, _ = v.Judge(m, e.now())
	s := m.Standing
	if c.Validate == nil || s.Proved() || s.Verdict == bus.BodyOnly {
		return true
	}
	fmt.Fprintf(e.stderr, "!! invalid message received: %s\n", visible(fmt.Sprintf("%s %s: %s: %s", m.Topic, m.ID,
		s.Words(), s.Reason)))
	return false
}
