package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A pki is a site's own certificates and OpenPGP key, made for one test. It signs as fedmsg does, by means of the
// standard library only.
type pki struct {
	ca, foreign signer // certificates of CAs
	leaves      map[string]signer
	release     *openpgp.Entity
	now         time.Time
}

// A signer is a certificate with its key.
type signer struct {
	der []byte
	key *rsa.PrivateKey
}

// The leaves of a pki. The name is the common name of the certificate.
const (
	gitLeaf     = "git.example.org"
	shellLeaf   = "shell.example.org"
	revokedLeaf = "revoked.example.org"
	expiredLeaf = "expired.example.org"
	foreignLeaf = "foreign.example.org"
)

const year = 365 * 24 * time.Hour

func newPKI(now time.Time) (*pki, error) {
	p := &pki{leaves: map[string]signer{}, now: now}
	var errs [8]error
	p.ca, errs[0] = newSigner("Test CA", signer{}, now.Add(-20*year), now.Add(year))
	p.foreign, errs[1] = newSigner("Foreign CA", signer{}, now.Add(-year), now.Add(year))
	if err := errors.Join(errs[:2]...); err != nil {
		return nil, err
	}
	p.leaves[gitLeaf], errs[2] = newSigner(gitLeaf, p.ca, now.Add(-year), now.Add(year))
	p.leaves[shellLeaf], errs[3] = newSigner(shellLeaf, p.ca, now.Add(-year), now.Add(year))
	p.leaves[revokedLeaf], errs[4] = newSigner(revokedLeaf, p.ca, now.Add(-year), now.Add(year))
	p.leaves[expiredLeaf], errs[5] = newSigner(expiredLeaf, p.ca, now.Add(-10*year), now.Add(-9*year))
	p.leaves[foreignLeaf], errs[6] = newSigner(foreignLeaf, p.foreign, now.Add(-year), now.Add(year))
	p.release, errs[7] = openpgp.NewEntity("Release Team", "", "release@example.org", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return now.Add(-year) },
	})
	return p, errors.Join(errs[:]...)
}

// newSigner makes a certificate, of a CA where issuer is zero.
func newSigner(name string, issuer signer, from, to time.Time) (signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return signer{}, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return signer{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"test"}},
		NotBefore: from, NotAfter: to, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	parent, parentKey := template, key
	if issuer.key == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	} else {
		if parent, err = x509.ParseCertificate(issuer.der); err != nil {
			return signer{}, err
		}
		parentKey = issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	return signer{der, key}, err
}

// write writes what a site needs into a folder: ca.crt, crl.pem and the one that is out of date, keys.asc, and the
// certificates and keys of the leaves.
func (p *pki) write(folder string) error {
	key := func(s signer) []byte { return encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(s.key)) }
	crl, err := p.crl(p.now.Add(-time.Hour), p.now.Add(year))
	old, err2 := p.crl(p.now.Add(-year), p.now.Add(-year/2))
	keys, err3 := p.publicKeys()
	errs := []error{err, err2, err3}
	files := map[string][]byte{
		"ca.crt": encodePEM("CERTIFICATE", p.ca.der), "foreign-ca.crt": encodePEM("CERTIFICATE", p.foreign.der),
		"crl.pem": crl, "crl-old.pem": old, "keys.asc": keys,
	}
	for name, s := range p.leaves {
		files[name+".crt"], files[name+".key"] = encodePEM("CERTIFICATE", s.der), key(s)
	}
	for name, content := range files {
		errs = append(errs, os.WriteFile(filepath.Join(folder, name), content, 0o600))
	}
	return errors.Join(errs...)
}

func encodePEM(block string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der})
}

// crl makes a list of revoked certificates with revokedLeaf in it.
func (p *pki) crl(from, to time.Time) ([]byte, error) {
	ca, err := x509.ParseCertificate(p.ca.der)
	if err != nil {
		return nil, err
	}
	revoked, err := x509.ParseCertificate(p.leaves[revokedLeaf].der)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: from, NextUpdate: to,
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: revoked.SerialNumber, RevocationTime: from}},
	}, ca, p.ca.key)
	return encodePEM("X509 CRL", der), err
}

func (p *pki) publicKeys() ([]byte, error) {
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		return nil, err
	}
	err = errors.Join(p.release.Serialize(w), w.Close())
	return text.Bytes(), err
}

// canonical is the text that fedmsg signs, as far as it is ASCII and has no floats.
func canonical(v any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// sign signs an envelope with a leaf. It changes it.
func (p *pki) sign(leaf string, envelope map[string]any) map[string]any {
	envelope["crypto"] = "x509"
	sum := sha1.Sum(canonical(envelope))
	s := p.leaves[leaf]
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA1, sum[:])
	if err != nil {
		panic(err)
	}
	envelope["signature"] = base64.StdEncoding.EncodeToString(signature) + "\n"
	envelope["certificate"] = base64.StdEncoding.EncodeToString(encodePEM("CERTIFICATE", s.der)) + "\n"
	return envelope
}

// signBody signs the body of an envelope with the OpenPGP key. It changes the envelope.
func (p *pki) signBody(envelope map[string]any) map[string]any {
	var signature bytes.Buffer
	err := openpgp.DetachSign(&signature, p.release, bytes.NewReader(canonical(envelope["msg"])), nil)
	if err != nil {
		panic(err)
	}
	envelope["crypto"], envelope["signature"] = "gpg", base64.StdEncoding.EncodeToString(signature.Bytes())
	return envelope
}
