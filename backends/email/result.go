package email

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/bounce"
	"github.com/notifyd/notifyd/internal/text"
)

// sendError turns a failure into an error of its class:
//
//   - ErrRefused: a permanent reply (5yz) about this recipient or this content; ErrGone where there is no such mailbox;
//   - ErrUnavailable: the server takes no mail from us at all: it wants a login, refuses the sender, closes the
//     connection, or is lost before a new connection's first recipient;
//   - neither: worth a retry, and no reason to stop sending to others.
//
// A lost connection and a timeout have no code.
func (c *connection) sendError(f *failure, to string) error {
	code, reply := f.code, redact(f.Error(), c.secrets, to)
	switch {
	case code == 421, isAboutUs(code), f.stage == onCheck, f.stage == onMail:
		return fmt.Errorf("%s: %w", reply, backends.ErrUnavailable)
	case code/100 == 5 && f.stage == onRcpt && isInTheWay(reply):
		return errors.New(reply)
	case f.stage == onRcpt && isNoMailbox(code, reply):
		return fmt.Errorf("%s: %w", reply, backends.ErrGone)
	case code/100 == 5:
		return fmt.Errorf("%s: %w", reply, backends.ErrRefused)
	default:
		return errors.New(reply)
	}
}

// isTooMuch reports the temporary replies that say that we send too much at once: "4.7.0 Too many concurrent
// connections", "connection rate limit exceeded", "try again, server busy".
func isTooMuch(f *failure) bool {
	if f.code/100 != 4 {
		return false
	}
	said := strings.ToLower(f.err.Error())
	return slices.ContainsFunc([]string{"too many", "too much", "too fast", "rate limit", "concurren", "throttl",
		"slow down", "busy", "overload"}, func(words string) bool { return strings.Contains(said, words) })
}

// isAboutUs reports the permanent replies that are not about a recipient or a content: bad or unknown command, no such
// service, login or encryption wanted (RFC 5321, RFC 4954). They are the operator's to mend.
func isAboutUs(code int) bool {
	switch code {
	case 500, 502, 503, 504, 521, 523, 530, 534, 535, 538:
		return true
	}
	return false
}

// isNoMailbox reports the replies to RCPT that mean that there is no such mailbox: unknown, moved, not an address
// (RFC 5321, section 4.2.2). The status behind the code, where there is one, must agree: X.1 is the address and X.2.1
// a mailbox that was closed (RFC 3463). A full mailbox (X.2.2, 552) or a refused content (554) may change tomorrow.
func isNoMailbox(code int, reply string) bool {
	if code != 550 && code != 551 && code != 553 {
		return false
	}
	said := reply[max(strings.Index(reply, strconv.Itoa(code)), 0):]
	switch bounce.Refused(said) {
	case bounce.Full, bounce.Content, bounce.Policy, bounce.Soft:
		return false // the words say that it is about something else, whatever the codes are
	}
	return statusOf(reply) == "" || hasStatus(reply, "5.0.", "5.1.", "5.2.0", "5.2.1")
}

// isInTheWay reports the replies to RCPT that are about something between us and the mailbox: the server refuses to
// relay, or a policy (X.7 of RFC 3463), the mail system (X.3), the way to it (X.4: a quota of ours, too) or the
// dialogue (X.5) is in the way. When a relay has forgotten us, it refuses every recipient, so none may be given up.
func isInTheWay(reply string) bool {
	return strings.Contains(strings.ToLower(reply), "relay") || hasStatus(reply, "5.3.", "5.4.", "5.5.", "5.7.")
}

var enhanced = regexp.MustCompile(`: 5\d\d (5\.\d{1,3}\.\d{1,3})\b`)

// statusOf is the enhanced status of a permanent reply (RFC 3463), "" where it has none.
func statusOf(reply string) string {
	if found := enhanced.FindStringSubmatch(reply); found != nil {
		return found[1]
	}
	return ""
}

func hasStatus(reply string, prefixes ...string) bool {
	status := statusOf(reply)
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(status, p) })
}

// dialError is a failure to connect, greet, encrypt or log in: always ErrUnavailable.
func (c *connection) dialError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("connect: %w", ctx.Err())
	}
	if err == nil {
		err = errors.New("connection lost")
	}
	return fmt.Errorf("connect: %s: %w", redact(err.Error(), c.secrets, ""), backends.ErrUnavailable)
}

var temporary = regexp.MustCompile(`\b4\d\d\b`)

// codeOf is 421 where an error of dial has a temporary reply in it, and else 0.
func codeOf(err error) int {
	if temporary.MatchString(err.Error()) {
		return 421
	}
	return 0
}

// secrets are what no error may contain: the login, also as it goes over the wire (RFC 4616, base64).
func (c Config) secrets() []string {
	if c.Username == "" {
		return nil
	}
	wire := base64.StdEncoding.EncodeToString
	plain := wire([]byte("\x00" + c.Username + "\x00" + c.Password))
	return []string{c.Username, c.Password, plain, wire([]byte(c.Username)), wire([]byte(c.Password))}
}

const maxErrorText = 300

// unquote undoes what net/textproto does to a reply in an error, so that words are words again.
var unquote = strings.NewReplacer(`\n`, " ", `\r`, " ", `\t`, " ", `\"`, " ", `"`, "")

// redact takes addresses and secrets out of what a server said, makes it one line and bounds it. A server says much
// more than a code, and an operator needs it; but it repeats the address.
func redact(said string, secrets []string, to string) string {
	if to != "" {
		local, _, _ := cutLast(to, '@')
		secrets = append(secrets[:len(secrets):len(secrets)], to, local)
	}
	said = unquote.Replace(said)
	words := strings.FieldsFunc(said, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	for i, word := range words {
		bare := strings.Trim(word, `<>()[]"'.,:;`)
		if strings.ContainsRune(word, '@') || isSecret(bare, secrets) {
			words[i] = "<…>"
		}
	}
	said = strings.ToValidUTF8(strings.Join(words, " "), "")
	for _, s := range secrets {
		if len(s) > 3 {
			said = strings.ReplaceAll(said, s, "<…>")
		}
	}
	return text.ElideRunes(said, maxErrorText)
}

func isSecret(word string, secrets []string) bool {
	for _, s := range secrets {
		if s != "" && strings.EqualFold(word, s) {
			return true
		}
	}
	return false
}
