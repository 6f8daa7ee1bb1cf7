package back

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/bounce"
)

// command does what somebody has answered. The token in the address is the right to speak: only who has got the notice
// has it. The sender must be the address of the destination as well, so that the answer of a person to whom a notice
// was passed on changes nothing. A sender can be forged; a token cannot.
func (r *Receiver) command(ctx context.Context, token string, m *bounce.Mail) (string, error) {
	if r.Command == nil || !r.Config.Replies {
		return "nobody is understood here", nil
	}
	id := strings.Trim(m.Header("Message-ID"), "<> ")
	if !plainID(id) {
		id = "sha256-" + digest(m.Header("Date"), m.Header("Subject"), m.Text())
	}
	about, err := r.Returns.Answered(ctx, token, id)
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(address(m.Header("From")), about.Address) {
		return "it comes from another address than the notice went to", nil
	}
	if !r.rate.allow(about.Destination, r.Now()) {
		return "too many answers in an hour", nil
	}
	answer, err := r.Command(ctx, backends.Command{Backend: about.Backend, Destination: about.Destination,
		About: about.Parcel, Text: m.Text()})
	if err != nil {
		r.Log.Error("cannot do what somebody has answered", "error", err)
		answer = backends.Answer{Known: true, Lines: []string{"That did not work. Try again later."}}
	}
	if !answer.Known || len(answer.Lines) == 0 {
		return "nobody is told anything", nil
	}
	n := backends.Notice{ID: "answer-" + digest(about.Destination, id), Time: r.Now().UTC(), Severity: "info",
		Title: subject(m), Text: strings.Join(answer.Lines, "\n")}
	if plainID(id) {
		n.Answers = "<" + id + ">"
	}
	return "answered", r.Returns.Answer(ctx, about, n)
}

// subject is that of an answer.
func subject(m *bounce.Mail) string {
	s := strings.TrimSpace(m.Header("Subject"))
	if len(s) > 3 && strings.EqualFold(s[:3], "re:") {
		s = strings.TrimSpace(s[3:])
	}
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "")
	}
	return "Re: " + s
}

// plainID reports whether a Message-ID may stand in a header of ours.
func plainID(id string) bool {
	return id != "" && len(id) < 250 &&
		!strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '<' || c == '>' })
}

func digest(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:12])
}

// rate bounds how many answers of one destination are taken in an hour.
type rate struct {
	mu    sync.Mutex
	hour  int64
	taken map[string]int
}

const (
	mostAnswers      = 20
	mostDestinations = 10_000
)

func (l *rate) allow(destination string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if hour := now.Unix() / 3600; hour != l.hour || l.taken == nil {
		l.hour, l.taken = hour, map[string]int{}
	}
	if _, known := l.taken[destination]; !known && len(l.taken) >= mostDestinations {
		return false
	}
	l.taken[destination]++
	return l.taken[destination] <= mostAnswers
}
