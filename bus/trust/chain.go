package trust

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/notifyd/notifyd/internal/text"
)

// A ca is a certificate that signs those of publishers.
type ca struct {
	*x509.Certificate
	lists []*revocationList
}

func parseCAs(file []byte) ([]*ca, error) {
	blocks, err := pemBlocks(file, "CERTIFICATE", "certificates")
	if err != nil {
		return nil, err
	}
	var cas []*ca
	for _, der := range blocks {
		c, err := x509.ParseCertificate(der)
		switch {
		case err != nil:
			return nil, err
		case !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
			return nil, fmt.Errorf("the certificate of %s is not one of a CA", nameOf(c.Subject))
		}
		cas = append(cas, &ca{Certificate: c})
	}
	if len(cas) == 0 {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return cas, nil
}

// nameOf names a subject for an operator: by its common name, where it has one that can be shown.
func nameOf(n pkix.Name) string {
	if n.CommonName != "" && text.IsPlainLine(n.CommonName) {
		return n.CommonName
	}
	return n.String()
}

// signs reports whether c has signed a certificate. The check is ours because crypto/x509 builds no chain over SHA-1,
// which all old certificates of fedmsg's buses are signed with. MD5 is refused.
func (c *ca) signs(leaf *x509.Certificate) bool {
	return bytes.Equal(leaf.RawIssuer, c.RawSubject) &&
		c.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil
}

// A leaf is the certificate of a publisher, signed by a CA. Whether it counts at a given time is another question.
type leaf struct {
	name        string // the common name
	key         *rsa.PublicKey
	certificate *x509.Certificate
	sha1        bool
	issuers     []*ca // several where a CA's certificate was renewed
}

func (l *leaf) revoked() bool {
	for _, c := range l.issuers {
		for _, list := range c.lists {
			if list.revoked[l.certificate.SerialNumber.String()] {
				return true
			}
		}
	}
	return false
}

// maxDER bounds a publisher's certificate, in bytes, and so what strangers can make us read. Real ones have 2 KB.
const maxDER = 8 << 10

// leaf reads the certificate that a message carries: base64 of PEM. What comes before the PEM is passed over: easy-rsa
// writes a description there.
func (a *authority) leaf(field string) (*leaf, error) {
	file, err := decodeBase64(field, maxCertificate)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(file)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("it is no PEM of a certificate")
	}
	if len(block.Bytes) > maxDER {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", len(block.Bytes), maxDER)
	}
	return a.leaves.get(block.Bytes, func() (*leaf, error) { return a.parseLeaf(block.Bytes) })
}

func (a *authority) parseLeaf(der []byte) (*leaf, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("it cannot be read")
	}
	l := &leaf{certificate: c, name: c.Subject.CommonName, sha1: isSHA1(c)}
	for _, issuer := range a.cas {
		if issuer.signs(c) {
			l.issuers = append(l.issuers, issuer)
		}
	}
	if len(l.issuers) == 0 {
		return nil, errors.New("it is not signed by the site's CA")
	}
	if err := checkName(c); err != nil {
		return nil, err
	}
	if len(c.UnhandledCriticalExtensions) > 0 {
		return nil, fmt.Errorf("it has the critical extension %s, which is not known here", c.UnhandledCriticalExtensions[0])
	}
	l.key, err = checkKey(c.PublicKey)
	return l, err
}

// maxName bounds the name of a signer, in bytes.
const maxName = 256

var oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// checkName checks that a certificate names one subject, in a text that can be shown.
func checkName(c *x509.Certificate) error {
	names := 0
	for _, n := range c.Subject.Names {
		if n.Type.Equal(oidCommonName) {
			names++
		}
	}
	name := c.Subject.CommonName
	if names != 1 || name == "" || len(name) > maxName || !text.IsPlainLine(name) {
		return errors.New("it does not have one common name that can be shown")
	}
	return nil
}

// The bounds on the length of an RSA key, in bits. Fedora's publishers have 1024.
const (
	minKey = 1024
	maxKey = 8192
)

// checkKey checks that a key is one that proves something, within a bounded time.
func checkKey(key any) (*rsa.PublicKey, error) {
	k, ok := key.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, errors.New("its key is not of RSA")
	case k.N.BitLen() < minKey || k.N.BitLen() > maxKey:
		return nil, fmt.Errorf("its key has %d bits; expected %d to %d", k.N.BitLen(), minKey, maxKey)
	case k.E < 3 || k.E%2 == 0:
		return nil, fmt.Errorf("its key has the exponent %d", k.E)
	}
	return k, nil
}
