// Package scram is SCRAM-SHA-256 (RFC 5802, RFC 7677), the login of SASL in which a server never sees the password, and
// has to show that it knows it too. It is without channel binding: IRC networks offer none.
//
//	C: n,,n=user,r=NONCE                        Client.First
//	S: r=NONCE+MORE,s=SALT,i=4096               Server.First
//	C: c=biws,r=NONCE+MORE,p=PROOF              Client.Final
//	S: v=SIGNATURE                              Server.Final, Client.Verify
package scram

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Mechanism is its name in SASL.
const Mechanism = "SCRAM-SHA-256"

// MinIterations is the least that RFC 7677 allows. maxIterations keeps a server from having us work for minutes.
const (
	MinIterations = 4096
	maxIterations = 1 << 20
	maxMessage    = 4096 // bytes of one message
)

var (
	errMessage   = errors.New("not a message of SCRAM-SHA-256")
	errNonce     = errors.New("the nonce is not the one of this login")
	errPassword  = errors.New("wrong password")
	errSignature = errors.New("the server does not know the password")
)

// noBinding is the GS2 header "n,,": no channel binding, no other account to act as.
const noBinding = "n,,"

// keys are what both sides make of the password.
type keys struct{ client, stored, server []byte }

func newKeys(password string, salt []byte, iterations int) (keys, error) {
	salted, err := pbkdf2.Key(sha256.New, prepare(password), salt, iterations, sha256.Size)
	if err != nil {
		return keys{}, fmt.Errorf("derive the key: %w", err)
	}
	client := sign(salted, "Client Key")
	stored := sha256.Sum256(client)
	return keys{client: client, stored: stored[:], server: sign(salted, "Server Key")}, nil
}

func sign(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

// proof is the client's key, hidden by the signature of all that was said. Applied to a proof it gives the key again.
func (k keys) proof(key []byte, said string) []byte {
	proof := make([]byte, sha256.Size)
	subtle.XORBytes(proof, key, sign(k.stored, said))
	return proof
}

// prepare gives the one form of a password (RFC 4013, without its table of what is forbidden).
func prepare(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == 0x00AD || r == 0x034F || r == 0x1806 || r == 0x200B || r == 0x2060 || r == 0xFEFF:
			return -1
		case r > unicode.MaxASCII && unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, s)
	return norm.NFKC.String(s)
}

// fields reads "a=…,b=…" with just these names, in this order. More may follow, but no mandatory extension.
func fields(message, names string) ([]string, error) {
	if len(message) > maxMessage {
		return nil, errMessage
	}
	parts := strings.Split(message, ",")
	if len(parts) < len(names) {
		return nil, errMessage
	}
	var values []string
	for i := range len(names) {
		value, ok := strings.CutPrefix(parts[i], names[i:i+1]+"=")
		if !ok {
			return nil, errMessage
		}
		values = append(values, value)
	}
	return values, nil
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

var (
	escape   = strings.NewReplacer("=", "=3D", ",", "=2C")
	unescape = strings.NewReplacer("=3D", "=", "=2C", ",")
)
