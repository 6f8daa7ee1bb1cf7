package scram

import (
	"encoding/base64"
	"strings"
	"testing"
)

// The example of RFC 7677, section 3.
const (
	rfcFirst     = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
	rfcChallenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	rfcFinal     = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
		"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	rfcServer = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
)

func rfcClient() *Client { return NewClient("user", "pencil", "rOprNGfwEbeRWgbNEkqO") }

func TestTheExampleOfTheRFC(t *testing.T) {
	c := rfcClient()
	if got := c.First(); got != rfcFirst {
		t.Errorf("First() = %q", got)
	}
	if got, err := c.Final(rfcChallenge); got != rfcFinal || err != nil {
		t.Errorf("Final() = %q, %v", got, err)
	}
	if err := c.Verify(rfcServer); err != nil {
		t.Error(err)
	}
	salt, _ := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	s := Server{Salt: salt, Iterations: 4096, Nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"}
	if got, user, err := s.First(rfcFirst); got != rfcChallenge || user != "user" || err != nil {
		t.Errorf("First() = %q, %q, %v", got, user, err)
	}
	if got, err := s.Final(rfcFinal, "pencil"); got != rfcServer || err != nil {
		t.Errorf("Final() = %q, %v", got, err)
	}
	if got, err := s.Final(rfcFinal, "pencils"); err == nil {
		t.Errorf("a wrong password gives %q", got)
	}
}

func TestNamesAndPasswordsOfAllSorts(t *testing.T) {
	for user, password := range map[string]string{"a,b=c": "p,w=d", "Jörg": "Grüße", "x": strings.Repeat("long", 200)} {
		c := NewClient(user, password, "abc")
		s := Server{Salt: []byte("salt"), Iterations: MinIterations, Nonce: "def"}
		challenge, named, err := s.First(c.First())
		if err != nil || named != user {
			t.Fatalf("%q: First names %q, %v", user, named, err)
		}
		final, err := c.Final(challenge)
		if err != nil {
			t.Fatal(err)
		}
		// the server has the password as another machine would have typed it: decomposed
		answer, err := s.Final(final, strings.NewReplacer("ü", "u\u0308").Replace(password))
		if err != nil {
			t.Fatalf("%q: %v", user, err)
		}
		if err := c.Verify(answer); err != nil {
			t.Errorf("%q: %v", user, err)
		}
	}
}

func TestAServerThatLiesIsRefused(t *testing.T) {
	for what, challenge := range map[string]string{
		"another nonce":  strings.Replace(rfcChallenge, "r=rO", "r=xx", 1),
		"our nonce back": "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"few iterations": strings.Replace(rfcChallenge, "i=4096", "i=1", 1),
		"hours of work":  strings.Replace(rfcChallenge, "i=4096", "i=2000000000", 1),
		"no number":      strings.Replace(rfcChallenge, "i=4096", "i=many", 1),
		"no salt":        strings.Replace(rfcChallenge, "s=W22ZaJ0SNY7soEsUEjb6gQ==", "s=", 1),
		"salt of ours":   strings.Replace(rfcChallenge, "W22Z", "????", 1),
		"an extension":   "m=must," + rfcChallenge,
		"nothing":        "",
		"endless":        rfcChallenge + strings.Repeat(",x=y", 5000),
	} {
		c := rfcClient()
		c.First()
		if got, err := c.Final(challenge); err == nil {
			t.Errorf("%s: answered with %q", what, got)
		}
	}
	c := rfcClient()
	if c.Verify(rfcServer) == nil {
		t.Error("a signature before the proof is taken")
	}
	c.First()
	c.Final(rfcChallenge)
	for _, final := range []string{"", "v=", "e=other-error", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95H4="} {
		if c.Verify(final) == nil {
			t.Errorf("%q is taken for the server's signature", final)
		}
	}
}
