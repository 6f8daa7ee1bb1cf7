package scram

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
)

// A Server checks one login. It is for tests: a real server keeps keys, and no passwords.
type Server struct {
	Salt       []byte
	Iterations int
	Nonce      string // what is put behind the client's

	bare, challenge, nonce string
}

// First answers the client's first message, and gives whom it names.
func (s *Server) First(message string) (challenge, user string, err error) {
	bare, ok := strings.CutPrefix(message, noBinding)
	if !ok {
		return "", "", errMessage
	}
	values, err := fields(bare, "nr")
	if err != nil {
		return "", "", err
	}
	s.bare, s.nonce = bare, values[1]+s.Nonce
	s.challenge = fmt.Sprintf("r=%s,s=%s,i=%d", s.nonce, encode(s.Salt), s.Iterations)
	return s.challenge, unescape.Replace(values[0]), nil
}

// Final checks the client's proof against a password, and gives the server's own.
func (s *Server) Final(message, password string) (string, error) {
	values, err := fields(message, "crp")
	switch {
	case err != nil:
		return "", err
	case values[0] != encode([]byte(noBinding)):
		return "", errMessage
	case s.nonce == "" || values[1] != s.nonce:
		return "", errNonce
	}
	proof, err := base64.StdEncoding.DecodeString(values[2])
	if err != nil || len(proof) != sha256.Size {
		return "", errMessage
	}
	k, err := newKeys(password, s.Salt, s.Iterations)
	if err != nil {
		return "", err
	}
	without, _, _ := strings.Cut(message, ",p=")
	said := s.bare + "," + s.challenge + "," + without
	key := sha256.Sum256(k.proof(proof, said))
	if subtle.ConstantTimeCompare(key[:], k.stored) != 1 {
		return "", errPassword
	}
	return "v=" + encode(sign(k.server, said)), nil
}
