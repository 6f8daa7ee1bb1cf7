package email

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

func TestConformance(t *testing.T) {
	backendtest.Run(t, func(t *testing.T) backendtest.Fixture {
		cert := selfSigned(t)
		f := newFarEnd(t, fakesmtp.Options{
			TLS: cert.server, MaxBytes: 20 << 20,
			Login: func(u, p string) bool { return u == "notifyd-login" && p == "open-sesame" },
		})
		f.play(func(s fakesmtp.Stage, a string) fakesmtp.Reply {
			if s == fakesmtp.OnRcpt && a == "gone@example.org" {
				return fakesmtp.Reply{Code: 550, Text: "<gone@example.org>: user gone is unknown",
					Enhanced: [3]int{5, 1, 1}}
			}
			return fakesmtp.Reply{}
		})
		c := f.config()
		c.TLS, c.CAFile, c.Username, c.Password = TLSStart, cert.file, "notifyd-login", "open-sesame"
		return backendtest.Fixture{
			Backend: newBackend(t, c), Info: Info, To: "alice@example.org", Refused: "gone@example.org",
			Secrets: []string{"notifyd-login", "open-sesame"}, Whole: true,
			Received: func() []backendtest.Receipt { return receipts(t, f.messages()) },
			Down:     f.down, Up: f.up,
			Stall: func() {
				f.play(func(fakesmtp.Stage, string) fakesmtp.Reply { return fakesmtp.Reply{Delay: time.Minute} })
			},
			Intact: func(t testing.TB) { checkIntact(t, f.messages()) },
		}
	})
}

// receipts are the messages as the kit wants them.
func receipts(t testing.TB, ms []fakesmtp.Message) []backendtest.Receipt {
	var out []backendtest.Receipt
	for _, m := range ms {
		p, err := parse(m.Data)
		if err != nil {
			t.Errorf("a message cannot be parsed: %v\n%.2000s", err, m.Data)
			continue
		}
		// The title is in the subject, the contents and the text; the kit counts it.
		text := strings.Join(strings.Fields(p.text), " ")
		out = append(out, backendtest.Receipt{To: m.To[0], ID: p.get("Message-Id"), Text: text,
			Page: p.get("Subject") + " " + p.html})
	}
	return out
}
