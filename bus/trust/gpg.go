package trust

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/text"
)

// A keyring is the OpenPGP public keys that the site knows.
type keyring struct{ keys openpgp.EntityList }

// newKeyring reads a file of public keys: binary, or armored in one block or several, as `cat` puts them together. A
// keyring of secret keys is refused: it should not lie where a daemon reads it.
func newKeyring(file []byte) (*keyring, error) {
	keys, err := readKeys(file)
	if err != nil {
		return nil, fmt.Errorf("it is no file of OpenPGP public keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, errors.New("it holds no OpenPGP key")
	}
	for _, k := range keys {
		if k.PrivateKey != nil {
			return nil, fmt.Errorf("it holds the secret key %X; expected public keys (gpg --export)", k.PrimaryKey.Fingerprint)
		}
	}
	return &keyring{keys}, nil
}

// readKeys reads the keys of a file. The library reads the first armored block only.
func readKeys(file []byte) (openpgp.EntityList, error) {
	armor := []byte("-----BEGIN PGP")
	begin := bytes.Index(file, armor)
	if begin < 0 || begin > 0 && file[begin-1] != '\n' {
		return openpgp.ReadKeyRing(bytes.NewReader(file))
	}
	var all openpgp.EntityList
	for _, block := range bytes.SplitAfter(file[begin:], armor)[1:] {
		block = append(slices.Clone(armor), bytes.TrimSuffix(block, armor)...)
		keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(block))
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
	}
	return all, nil
}

// check checks the signature of a message, which covers its body only. A panic of the library is no reason to stop.
func (k *keyring) check(m *bus.Message, now time.Time) (f finding) {
	defer func() {
		if p := recover(); p != nil {
			f = invalid(m, bus.GPG, "its signature made the OpenPGP library fail: %v", p)
		}
	}()
	p := m.Proof()
	signature, err := decodeBase64(p.Signature, maxSignature)
	if err != nil {
		return invalid(m, bus.GPG, "its signature cannot be read: %v", err)
	}
	if !isOneSignature(signature) {
		return invalid(m, bus.GPG, "its signature is no OpenPGP signature")
	}
	body := p.Envelope()["msg"]
	if body == nil { // an AMQP body would be taken in its place
		return invalid(m, bus.GPG, "it has no msg, which the signature would cover")
	}
	signed, err := bus.Canonical(body)
	if err != nil {
		return invalid(m, bus.GPG, "its msg has no canonical form: %v", err)
	}
	s, signer, err := k.verify(signed, signature)
	switch {
	case err != nil:
		return invalid(m, bus.GPG, "%s", gpgReason(err))
	case expired(s, now):
		return invalid(m, bus.GPG, "its signature has expired")
	}
	return finding{
		Standing: bus.Standing{
			Verdict: bus.BodyOnly, Signer: signerName(signer), Method: bus.GPG,
			Reason: "the signature covers the body, not topic, id, time and names",
		},
		signedAt: s.CreationTime,
		keys:     fingerprints(s, signer),
	}
}

// verify checks a signature by the keys as they were when it was made: whether a key had expired then, or is revoked.
func (k *keyring) verify(signed, signature []byte) (*packet.Signature, *openpgp.Entity, error) {
	var made time.Time
	if p, err := packet.Read(bytes.NewReader(signature)); err != nil {
		return nil, nil, err
	} else if s, ok := p.(*packet.Signature); ok {
		made = s.CreationTime
	}
	config := &packet.Config{Time: func() time.Time { return made }}
	return openpgp.VerifyDetachedSignature(k.keys, bytes.NewReader(signed), bytes.NewReader(signature), config)
}

// expired reports whether a signature holds for a time only, which is over.
func expired(s *packet.Signature, now time.Time) bool {
	return s.SigLifetimeSecs != nil && *s.SigLifetimeSecs != 0 &&
		now.After(s.CreationTime.Add(time.Duration(*s.SigLifetimeSecs)*time.Second))
}

// isOneSignature reports whether data is one OpenPGP packet, and that a signature: nothing else that a stranger sends
// is parsed.
func isOneSignature(data []byte) bool {
	const signature = 2 // RFC 9580, 5
	rest := bytes.NewReader(data)
	p, err := packet.NewOpaqueReader(rest).Next()
	return err == nil && p.Tag == signature && rest.Len() == 0
}

// gpgReason says for people why a signature proves nothing.
func gpgReason(err error) string {
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return "it is signed by an OpenPGP key that the site does not know"
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return "the OpenPGP key that has signed it had expired"
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return "the OpenPGP key that has signed it is revoked"
	}
	return "its OpenPGP signature is wrong"
}

// signerName names a key by its owner and its fingerprint.
func signerName(signer *openpgp.Entity) string {
	fingerprint := fmt.Sprintf("%X", signer.PrimaryKey.Fingerprint)
	id := signer.PrimaryIdentity()
	if id == nil {
		return fingerprint
	}
	name := text.CutBytes(text.OneLine(strings.ToValidUTF8(id.Name, "\uFFFD")), maxName)
	return strings.TrimSpace(name + " " + fingerprint)
}

// fingerprints are those of the primary key, and of the subkey where one has signed.
func fingerprints(s *packet.Signature, signer *openpgp.Entity) []string {
	all := []string{fmt.Sprintf("%X", signer.PrimaryKey.Fingerprint)}
	for _, sub := range signer.Subkeys {
		if s.IssuerKeyId != nil && sub.PublicKey.KeyId == *s.IssuerKeyId {
			all = append(all, fmt.Sprintf("%X", sub.PublicKey.Fingerprint))
		}
	}
	return all
}
