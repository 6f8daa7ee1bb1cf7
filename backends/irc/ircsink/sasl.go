package ircsink

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/ergochat/irc-go/ircmsg"

	"github.com/notifyd/notifyd/backends/irc/scram"
)

// mechanisms are those of SASL that the server knows.
var mechanisms = []string{"EXTERNAL", "PLAIN", scram.Mechanism}

// maxSASL bounds what a client says in one login; a chunk has at most 400 bytes.
const maxSASL, saslChunk = 4096, 400

// A login is one under way.
type login struct {
	mechanism string
	gathered  string
	scram     *scram.Server
	account   Account
	done      bool // SCRAM: only the client's last word is missing
}

func doAuthenticate(c *client, m ircmsg.Message) {
	word := last(m)
	switch l := &c.login; {
	case !c.caps["sasl"]:
		c.numeric("904", ":SASL authentication failed")
	case word == "*":
		c.login = login{}
		c.numeric("906", ":SASL authentication aborted")
	case l.mechanism == "":
		if !slices.Contains(mechanisms, word) {
			c.numeric("908", strings.Join(mechanisms, ","), ":are available SASL mechanisms")
			c.loggedIn(false)
			return
		}
		l.mechanism = word
		c.reply(reply{rest: "AUTHENTICATE +"})
	case len(word) > saslChunk || len(l.gathered) > maxSASL:
		c.login = login{}
		c.numeric("905", ":SASL message too long")
	default:
		if word != "+" {
			l.gathered += word
		}
		if len(word) < saslChunk {
			text, err := base64.StdEncoding.DecodeString(l.gathered)
			l.gathered = ""
			if err != nil {
				c.loggedIn(false)
				return
			}
			c.authenticate(string(text))
		}
	}
}

// authenticate takes one whole message of a login.
func (c *client) authenticate(text string) {
	s, l := c.server, &c.login
	switch l.mechanism {
	case "PLAIN":
		parts := strings.Split(text, "\x00")
		if len(parts) == 3 {
			l.account = s.accounts[s.fold(parts[1])]
		}
		c.loggedIn(len(parts) == 3 && l.account.Name != "" && l.account.Password == parts[2])
	case "EXTERNAL":
		print := certificateOf(c)
		for _, a := range s.accounts {
			if print != "" && a.Certificate == print {
				l.account = a
			}
		}
		c.loggedIn(l.account.Name != "")
	default:
		c.challenge(text)
	}
}

func (c *client) challenge(text string) {
	s, l := c.server, &c.login
	var answer string
	var err error
	switch {
	case l.done:
		c.loggedIn(true)
		return
	case l.scram == nil:
		l.scram = &scram.Server{Salt: []byte("salt of the sink"), Iterations: scram.MinIterations, Nonce: "sink"}
		var name string
		answer, name, err = l.scram.First(text)
		l.account = s.accounts[s.fold(name)]
	default:
		answer, err = l.scram.Final(text, l.account.Password)
		l.done = true
	}
	if err != nil || l.account.Name == "" {
		c.loggedIn(false)
		return
	}
	c.reply(reply{rest: "AUTHENTICATE " + base64.StdEncoding.EncodeToString([]byte(answer))})
}

// loggedIn ends a login.
func (c *client) loggedIn(ok bool) {
	account := c.login.account.Name
	c.login = login{}
	if !ok {
		c.numeric("904", ":SASL authentication failed")
		return
	}
	c.server.login(c, account)
	c.numeric("903", ":SASL authentication successful")
}

// certificateOf gives the fingerprint of a client's certificate; "" where it has none.
func certificateOf(c *client) string {
	conn, secure := c.conn.(*tls.Conn)
	if !secure || len(conn.ConnectionState().PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:])
}
