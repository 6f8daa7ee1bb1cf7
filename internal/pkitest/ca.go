package pkitest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// A CA makes the certificates of one site. Its own is valid from five years before Now until five years after, those of
// publishers one year each; a change makes another of that.
type CA struct {
	Cert   *x509.Certificate
	Key    *rsa.PrivateKey
	Now    time.Time
	Serial int64 // of the certificate that was made last
}

// NewCA makes a CA.
func NewCA(name string, key *rsa.PrivateKey, now time.Time, change ...func(*x509.Certificate)) (*CA, error) {
	c := &CA{Key: key, Now: now}
	return c, c.Renew(name, change...)
}

// Renew makes another certificate of the CA's key.
func (c *CA) Renew(name string, change ...func(*x509.Certificate)) (err error) {
	own := c.template(name, 5, change, func(own *x509.Certificate) {
		own.IsCA, own.BasicConstraintsValid = true, true
		own.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	})
	der, err := x509.CreateCertificate(rand.Reader, own, own, &c.Key.PublicKey, c.Key)
	if err != nil {
		return err
	}
	c.Cert, err = x509.ParseCertificate(der)
	return err
}

// PEM is the certificate of the CA.
func (c *CA) PEM() []byte { return CertificatePEM(c.Cert.Raw) }

// Leaf makes a certificate of key for a publisher, in DER.
func (c *CA) Leaf(name string, key crypto.PublicKey, change ...func(*x509.Certificate)) ([]byte, error) {
	return x509.CreateCertificate(rand.Reader, c.template(name, 1, change), c.Cert, key, c.Key)
}

func (c *CA) template(name string, years int, change []func(*x509.Certificate),
	first ...func(*x509.Certificate)) *x509.Certificate {
	c.Serial++
	t := &x509.Certificate{
		SerialNumber: big.NewInt(c.Serial), Subject: pkix.Name{CommonName: name},
		NotBefore: c.Now.AddDate(-years, 0, 0), NotAfter: c.Now.AddDate(years, 0, 0),
		SignatureAlgorithm: x509.SHA256WithRSA,
	}
	for _, f := range append(first, change...) {
		f(t)
	}
	return t
}

// Valid makes a certificate valid for the years between two, counted from now.
func Valid(now time.Time, from, to int) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.AddDate(from, 0, 0), now.AddDate(to, 0, 0) }
}

// CertificatePEM is a certificate as it stands in files and messages.
func CertificatePEM(der []byte) []byte { return encodePEM("CERTIFICATE", der) }

// KeyPEM is a key as it stands in files.
func KeyPEM(key *rsa.PrivateKey) []byte {
	return encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func encodePEM(block string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der})
}
