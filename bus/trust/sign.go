package trust

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A Signer signs messages by a certificate, as fedmsg does. It may be used by many goroutines.
type Signer struct {
	leaf        *x509.Certificate
	key         *rsa.PrivateKey
	certificate string // as the field of that name
}

// NewSigner makes a Signer of a certificate and its key, both PEM. The key is not encrypted. Errors quote no key.
func NewSigner(certificate, key []byte) (*Signer, error) {
	block, _ := pem.Decode(certificate)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("the certificate is no PEM of a certificate")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	if err := checkName(c); err != nil {
		return nil, fmt.Errorf("the certificate: %w", err)
	}
	public, err := checkKey(c.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("the certificate: %w", err)
	}
	private, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	if !private.PublicKey.Equal(public) {
		return nil, fmt.Errorf("the key does not belong to the certificate of %s", c.Subject.CommonName)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})
	return &Signer{leaf: c, key: private, certificate: encodeBase64(text)}, nil
}

// parseKey reads a private key of RSA, in the forms that openssl writes (PKCS #1 and PKCS #8).
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	switch {
	case block == nil:
		return nil, errors.New("the key is no PEM of a private key")
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return nil, errors.New("the key is encrypted; expected one without a passphrase")
	case block.Type == "RSA PRIVATE KEY":
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("the key cannot be read")
		}
		return key, nil
	case block.Type == "PRIVATE KEY":
		any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("the key cannot be read")
		}
		if key, ok := any.(*rsa.PrivateKey); ok {
			return key, nil
		}
		return nil, errors.New("the key is not of RSA")
	}
	return nil, fmt.Errorf("the key file holds a %s; expected a private key of RSA", block.Type)
}

// Name is the common name of the certificate: who signs.
func (s *Signer) Name() string { return s.leaf.Subject.CommonName }

// ValidAt says what is wrong with the certificate at a time; nil where nothing is.
func (s *Signer) ValidAt(t time.Time) error {
	if validAt(s.leaf, t) {
		return nil
	}
	from, to := day(s.leaf.NotBefore), day(s.leaf.NotAfter)
	return fmt.Errorf("the certificate of %s is valid from %s to %s", s.Name(), from, to)
}

// Sign signs a payload, a JSON object, and gives it in canonical form. Credentials that it bears are taken away first.
// Whatever else it holds is signed: a seq_id must be there before.
func (s *Signer) Sign(payload []byte) ([]byte, error) {
	v, err := bus.ParseExact(payload)
	if err != nil {
		return nil, fmt.Errorf("sign message: %w", err)
	}
	envelope, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("sign message: it is no JSON object")
	}
	delete(envelope, "signature")
	delete(envelope, "certificate")
	envelope["crypto"] = string(bus.X509)
	text, err := bus.Canonical(envelope)
	if err != nil {
		return nil, fmt.Errorf("sign message: %w", err)
	}
	sum := sha1.Sum(text)
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA1, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign message: %w", err)
	}
	envelope["signature"], envelope["certificate"] = encodeBase64(signature), s.certificate
	signed, err := bus.Canonical(envelope)
	if err == nil && len(signed) > bus.MaxPayload {
		err = fmt.Errorf("%d bytes, at most %d are sent", len(signed), bus.MaxPayload)
	}
	if err != nil {
		return nil, fmt.Errorf("sign message: %w", err)
	}
	return signed, nil
}

// encodeBase64 writes base64 as Python's encodebytes does: lines of 76 characters, each ended.
func encodeBase64(data []byte) string {
	const line = 76 / 4 * 3
	var b []byte
	for len(data) > 0 {
		n := min(line, len(data))
		b = append(base64.StdEncoding.AppendEncode(b, data[:n]), '\n')
		data = data[n:]
	}
	return string(b)
}
