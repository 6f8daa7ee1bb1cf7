// Package pkitest makes, for one test, what a site proves senders by: a CA, certificates of publishers, a list of those
// that are revoked, and an OpenPGP key. It signs as fedmsg does, and shares no code with what checks signatures.
//
// A PKI has one of each kind, in files too. A test of odd certificates makes its own, by a CA.
//
//	p, err := pkitest.New(time.Now())
//	err = p.Write(folder) // ca.crt, crl.pem, keys.asc, git.example.org.crt, git.example.org.key, ...
//	line := pkitest.Canonical(p.Sign(pkitest.Git, envelope))
package pkitest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A PKI is a site's own certificates and OpenPGP key.
type PKI struct {
	Now         time.Time // at which the certificates are valid that are meant to be
	ca, foreign *CA
	leaves      map[string]signer
	release     *openpgp.Entity
}

// A signer is a certificate with its key.
type signer struct {
	der []byte
	key *rsa.PrivateKey
}

// The publishers: the common names of their certificates.
const (
	Git     = "git.example.org"
	Shell   = "shell.example.org"
	Revoked = "revoked.example.org"
	Expired = "expired.example.org"
	Foreign = "foreign.example.org" // has a certificate of another CA
	Release = "Release Team"        // has an OpenPGP key
)

const year = 365 * 24 * time.Hour

// New makes a PKI, which takes some tenths of a second.
func New(now time.Time) (*PKI, error) {
	p := &PKI{leaves: map[string]signer{}, Now: now}
	var errs [8]error
	p.ca, errs[0] = newCA("Test CA", now, Valid(now, -20, 1))
	p.foreign, errs[1] = newCA("Foreign CA", now)
	if err := errors.Join(errs[:2]...); err != nil {
		return nil, err
	}
	p.leaves[Git], errs[2] = newSigner(Git, p.ca)
	p.leaves[Shell], errs[3] = newSigner(Shell, p.ca)
	p.leaves[Revoked], errs[4] = newSigner(Revoked, p.ca)
	p.leaves[Expired], errs[5] = newSigner(Expired, p.ca, Valid(now, -10, -9))
	p.leaves[Foreign], errs[6] = newSigner(Foreign, p.foreign)
	p.release, errs[7] = openpgp.NewEntity(Release, "", "release@example.org", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return now.Add(-year) },
	})
	return p, errors.Join(errs[:]...)
}

func newCA(name string, now time.Time, change ...func(*x509.Certificate)) (*CA, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return NewCA(name, key, now, change...)
}

func newSigner(name string, ca *CA, change ...func(*x509.Certificate)) (signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return signer{}, err
	}
	der, err := ca.Leaf(name, &key.PublicKey, append(change, func(c *x509.Certificate) {
		c.BasicConstraintsValid, c.KeyUsage = true, x509.KeyUsageDigitalSignature
	})...)
	return signer{der, key}, err
}

// Write writes what a site needs into a folder: ca.crt, crl.pem and the one that is out of date, keys.asc, and the
// certificates and keys of the leaves.
func (p *PKI) Write(folder string) error {
	crl, err := p.crl(p.Now.Add(-time.Hour), p.Now.Add(year))
	old, err2 := p.crl(p.Now.Add(-year), p.Now.Add(-year/2))
	keys, err3 := p.publicKeys()
	errs := []error{err, err2, err3}
	files := map[string][]byte{
		"ca.crt": p.ca.PEM(), "foreign-ca.crt": p.foreign.PEM(), "crl.pem": crl, "crl-old.pem": old, "keys.asc": keys,
	}
	for name, s := range p.leaves {
		files[name+".crt"], files[name+".key"] = CertificatePEM(s.der), KeyPEM(s.key)
	}
	for name, content := range files {
		errs = append(errs, os.WriteFile(filepath.Join(folder, name), content, 0o600))
	}
	return errors.Join(errs...)
}

// crl makes a list of revoked certificates with Revoked in it.
func (p *PKI) crl(from, to time.Time) ([]byte, error) {
	revoked, err := x509.ParseCertificate(p.leaves[Revoked].der)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: from, NextUpdate: to,
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: revoked.SerialNumber, RevocationTime: from}},
	}, p.ca.Cert, p.ca.Key)
	return encodePEM("X509 CRL", der), err
}

func (p *PKI) publicKeys() ([]byte, error) {
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		return nil, err
	}
	err = errors.Join(p.release.Serialize(w), w.Close())
	return text.Bytes(), err
}

// Canonical is the text that fedmsg signs, as far as it is ASCII and has no floats.
func Canonical(v any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// Sign signs an envelope with a leaf. It changes it.
func (p *PKI) Sign(leaf string, envelope map[string]any) map[string]any {
	envelope["crypto"] = "x509"
	sum := sha1.Sum(Canonical(envelope))
	s := p.leaves[leaf]
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA1, sum[:])
	if err != nil {
		panic(err)
	}
	envelope["signature"] = base64.StdEncoding.EncodeToString(signature) + "\n"
	envelope["certificate"] = base64.StdEncoding.EncodeToString(CertificatePEM(s.der)) + "\n"
	return envelope
}

// SignBody signs the body of an envelope with the OpenPGP key. It changes the envelope.
func (p *PKI) SignBody(envelope map[string]any) map[string]any {
	var signature bytes.Buffer
	err := openpgp.DetachSign(&signature, p.release, bytes.NewReader(Canonical(envelope["msg"])), nil)
	if err != nil {
		panic(err)
	}
	envelope["crypto"], envelope["signature"] = "gpg", base64.StdEncoding.EncodeToString(signature.Bytes())
	return envelope
}
