package email

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/wneessen/go-mail"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// result is what came of sending one message on one connection.
type result struct {
	err      error
	alive    bool   // the connection may carry another message
	stale    bool   // the connection was dead before the message was handed over: another one deserves a try
	response string // the server's words when it took the message
}

// send hands the message over. The end of ctx closes the connection.
func (c *connection) send(ctx context.Context, m *mail.Msg) result {
	used := c.sent > 0
	stop := context.AfterFunc(ctx, c.kill)
	err := c.client.SendWithSMTPClient(c.session, m)
	alive := stop()
	c.sent++
	if m.IsDelivered() {
		return result{alive: alive && err == nil, response: m.ServerResponse()}
	}
	if !alive {
		return result{err: ctx.Err()}
	}
	var failure *mail.SendError
	if !errors.As(err, &failure) {
		return result{err: fmt.Errorf("bug: go-mail reports neither delivery nor failure: %w", err)}
	}
	code := failure.ErrorCode()
	return result{
		err:   c.sendError(failure),
		alive: keptByServer(failure),
		stale: used && (code == 0 || code == 421) && beforeContent(failure),
	}
}

// beforeContent: the server had no byte of the message yet, so that sending it again cannot make two.
func beforeContent(f *mail.SendError) bool {
	switch f.Reason {
	case mail.ErrConnCheck, mail.ErrSMTPMailFrom, mail.ErrSMTPRcptTo, mail.ErrSMTPData:
		return true
	default:
		return false
	}
}

// keptByServer: the server answered in order and forgot the message (RFC 5321, section 4.1.1.4), so that the
// connection is good for the next one. go-mail has sent RSET after a refused MAIL or RCPT.
func keptByServer(f *mail.SendError) bool {
	if f.ErrorCode() < 400 || f.ErrorCode() == 421 {
		return false
	}
	switch f.Reason {
	case mail.ErrSMTPMailFrom, mail.ErrSMTPRcptTo, mail.ErrSMTPDataClose:
		return true
	default:
		return false
	}
}

// sendError says what went wrong and which class it is:
//
//   - refused: a permanent reply (5xx) about this recipient or this content; gone where there is no such mailbox;
//   - unavailable: the server takes no mail from us at all: it wants a login, dislikes the sender, closes, is lost
//     before a new connection's first recipient;
//   - neither: worth a retry, and no reason to stop sending to others.
//
// A lost connection and a timeout have no code; go-mail calls them permanent, which they are not.
func (c *connection) sendError(f *mail.SendError) error {
	code, text := f.ErrorCode(), redact(f.Error(), c.secrets, f.Msg())
	switch {
	case code == 421, operatorMatter(code):
		return fmt.Errorf("%s: %w", text, backends.ErrUnavailable)
	case f.Reason == mail.ErrConnCheck, f.Reason == mail.ErrSMTPMailFrom:
		return fmt.Errorf("%s: %w", text, backends.ErrUnavailable)
	case code/100 == 5 && f.Reason == mail.ErrSMTPRcptTo && notOurFault(text):
		return errors.New(text)
	case f.Reason == mail.ErrSMTPRcptTo && noMailbox(code, text):
		return fmt.Errorf("%s: %w", text, backends.ErrGone)
	case code/100 == 5:
		return fmt.Errorf("%s: %w", text, backends.ErrRefused)
	default:
		return errors.New(text)
	}
}

// operatorMatter are the permanent replies that say nothing of a recipient or a content: bad or unknown command,
// no such service, login or encryption wanted (RFC 5321, RFC 4954).
func operatorMatter(code int) bool {
	switch code {
	case 500, 502, 503, 504, 521, 523, 530, 534, 535, 538:
		return true
	}
	return false
}

// noMailbox are the replies to RCPT that say that there is no such mailbox: unknown, moved, not an address (RFC 5321,
// section 4.2.2), and by the status behind the code, where there is one, no other trouble: X.1 is the address and X.2.1 a
// mailbox that was closed (RFC 3463). A mailbox that is full (X.2.2, 552) or a content that is disliked (554) may be
// another way tomorrow.
func noMailbox(code int, text string) bool {
	if code != 550 && code != 551 && code != 553 {
		return false
	}
	status := statusOf(text)
	return status == "" || slices.ContainsFunc([]string{"5.0.", "5.1.", "5.2.0", "5.2.1"}, func(s string) bool { return strings.HasPrefix(status, s) })
}

var enhanced = regexp.MustCompile(`: 5\d\d (5\.\d{1,3}\.\d{1,3})\b`)

// statusOf gives the enhanced status of a permanent reply (RFC 3463), "" where it has none.
func statusOf(text string) string {
	if found := enhanced.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

// notOurFault: the server refuses to relay, or a policy (X.7 of RFC 3463), the mail system (X.3), the way to it (X.4: a
// quota of ours, too) or the dialogue (X.5) is in the way. That may be the recipient's or, when a relay forgot us, every
// recipient's. Neither may end a person's mail: the deliveries wait.
func notOurFault(text string) bool {
	status := statusOf(text)
	return strings.Contains(strings.ToLower(text), "relay") ||
		slices.ContainsFunc([]string{"5.3.", "5.4.", "5.5.", "5.7."}, func(s string) bool { return strings.HasPrefix(status, s) })
}

// dialError classes a failure to connect, greet, encrypt or log in: always the medium's.
func (c *connection) dialError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("connect: %w", ctx.Err())
	}
	if err == nil {
		err = errors.New("connection lost")
	}
	return fmt.Errorf("connect: %s: %w", redact(err.Error(), c.secrets, nil), backends.ErrUnavailable)
}

const maxErrorText = 300

// unquote undoes what net/textproto does to a reply in an error, so that words are words again.
var unquote = strings.NewReplacer(`\n`, " ", `\r`, " ", `\t`, " ", `\"`, " ", `"`, "")

// redact takes addresses and secrets out of what a server said, makes it one line and bounds it. A server says much
// more than a code, and an operator needs it; but it repeats the address.
func redact(said string, secrets []string, m *mail.Msg) string {
	said, _, _ = strings.Cut(said, ", affected recipient(s):")
	said, _, _ = strings.Cut(said, ", affected message ID:")
	if m != nil {
		for _, a := range m.GetTo() {
			local, _, _ := cutLast(a.Address, '@')
			secrets = append(secrets[:len(secrets):len(secrets)], a.Address, local)
		}
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
