package irc

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
	"github.com/ergochat/irc-go/ircutils"
	"golang.org/x/time/rate"

	"github.com/notifyd/notifyd/backends/irc/scram"
)

// The library does SASL PLAIN and EXTERNAL, and waits for 903: 900 may come before or after that, or never. It does not
// know SCRAM-SHA-256, and refuses the name: so it gets the name when it has looked at it, and the conversation is ours.

const mechanismScram = "scram-sha-256"

var (
	errLoginRefused = errors.New("log in: the server refused it")
	errNotProved    = errors.New("log in: the server has not shown that it knows the password")
)

// A login is one by SCRAM under way. The library's reading goroutine alone uses it, until the registration is over.
type login struct {
	client *scram.Client
	got    string // of a message in parts
	step   int
	proved bool
}

// prepareLogin says how to log in.
func (s *session) prepareLogin() {
	switch s.config.SASL.Mechanism {
	case "plain":
		s.conn.UseSASL, s.conn.SASLMech = true, "PLAIN"
		s.conn.SASLLogin, s.conn.SASLPassword = s.config.SASL.Username, s.config.SASL.Password
	case "external":
		s.conn.UseSASL, s.conn.SASLMech = true, "EXTERNAL"
	case mechanismScram:
		s.conn.UseSASL = true
		s.login = &login{client: scram.NewClient(s.config.SASL.Username, s.config.SASL.Password, rand.Text())}
		s.conn.AddCallback("AUTHENTICATE", s.authenticate)
	}
	for numeric, in := range map[string]bool{"900": true, "903": true, "901": false} {
		s.conn.AddCallback(numeric, func(ircmsg.Message) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.loggedIn = in
		})
	}
	for _, numeric := range []string{"905", "906"} { // of which the library knows nothing
		s.conn.AddCallback(numeric, func(ircmsg.Message) { s.refuseLogin(errLoginRefused) })
	}
}

// chooseLogin names the mechanism that the library does not know. It is called between its check and its use.
func (s *session) chooseLogin() {
	if s.login != nil {
		s.conn.SASLMech = scram.Mechanism
	}
}

// checkLogin refuses a server that has let us in without a proof of its own.
func (s *session) checkLogin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.login != nil && !s.login.proved {
		return errNotProved
	}
	return nil
}

func (s *session) isLoggedIn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loggedIn
}

// refuseLogin ends the connection, and says why.
func (s *session) refuseLogin(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != nil {
		s.socket.cut(err)
		s.socket.Close()
	}
}

// authenticate takes one part of what the server says in a login: 400 bytes are followed by more.
func (s *session) authenticate(m ircmsg.Message) {
	if len(m.Params) == 0 {
		return
	}
	const whole = 400
	part := m.Params[len(m.Params)-1]
	if part != "+" {
		s.login.got += part
	}
	switch {
	case len(s.login.got) > 16*whole:
		s.refuseLogin(errLoginRefused)
	case len(part) < whole:
		said, err := base64.StdEncoding.DecodeString(s.login.got)
		s.login.got = ""
		if err == nil {
			err = s.answerLogin(string(said))
		}
		if err != nil {
			s.log.Debug("cannot log in", "error", err)
			s.refuseLogin(errNotProved)
		}
	}
}

func (s *session) answerLogin(said string) error {
	answer := ""
	switch s.login.step++; s.login.step {
	case 1:
		answer = s.login.client.First()
	case 2:
		var err error
		if answer, err = s.login.client.Final(said); err != nil {
			return err
		}
	case 3:
		if err := s.login.client.Verify(said); err != nil {
			return err
		}
		s.mu.Lock()
		s.login.proved = true
		s.mu.Unlock()
	default:
		return errLoginRefused
	}
	if answer == "" {
		return s.conn.Send("AUTHENTICATE", "+")
	}
	for _, part := range ircutils.EncodeSASLResponse([]byte(answer)) {
		if err := s.conn.Send("AUTHENTICATE", part); err != nil {
			return err
		}
	}
	return nil
}

// maxRegains bounds what one connection says to the services to get its nick back.
const maxRegains = 6

// regain asks the services for the nick that is ours by the account, where somebody else has it: a ghost of ours, or
// the services themselves. Their words differ, and so do their answers: what counts is whether we get the nick.
func (n *network) regain(ctx context.Context, s *session) {
	if !s.isLoggedIn() || sameNick(s.conn.CurrentNick(), n.config.Nick) || s.regains >= maxRegains {
		return
	}
	words := []string{"REGAIN ", "RECOVER ", "RELEASE "} // of Atheme; of Anope; where the services hold it
	word := words[s.regains%len(words)]
	s.regains++
	if n.pace(ctx) == nil && s.conn.Send("PRIVMSG", servicesNick, word+n.config.Nick) == nil && word != words[0] {
		s.conn.Send("NICK", n.config.Nick)
	}
}

// hearFarewell keeps the server's last word.
func (s *session) hearFarewell(m ircmsg.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.Join(m.Params, " ")
	s.farewell = text[:min(len(text), 300)]
}

func (s *session) lastWord() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.farewell
}

// What servers say when they end a connection, in lower case.
var (
	floodWords    = regexp.MustCompile(`excess flood|recvq|sendq|max sendq|flooding`)
	banWords      = regexp.MustCompile(`[kgz]-?lined|banned|akill|spam|filtered|not authori[sz]ed`)
	throttleWords = regexp.MustCompile(`throttl|reconnecting too fast|reconnect too fast|too many connections|no more connections|too many host|killed`)
)

const (
	banPause      = time.Hour
	throttlePause = 2 * time.Minute
	slowestPace   = 0.1 // lines a second
)

// heed gives how long to stay away after a server's last word. Where it was about the pace, the pace is halved.
func (n *network) heed(farewell string) time.Duration {
	switch farewell = strings.ToLower(farewell); {
	case banWords.MatchString(farewell):
		n.log.Error("notifyd is banned from the IRC network", "next_attempt", banPause)
		return banPause
	case throttleWords.MatchString(farewell):
		return throttlePause
	case floodWords.MatchString(farewell):
		pace := max(float64(n.bucket.Limit())/2, slowestPace)
		n.bucket.SetLimit(rate.Limit(pace))
		n.log.Warn("the IRC server takes fewer lines than configured", "per_second_now", pace)
	}
	return 0
}
