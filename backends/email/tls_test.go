package email

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/mailsink"
)

func TestEncryption(t *testing.T) {
	cert, stranger := selfSigned(t), selfSigned(t)
	login := func(u, p string) bool { return u == "u" && p == "pässword 7" }
	for _, c := range []struct {
		name   string
		server mailsink.Options
		client Config
		want   string
	}{
		{"starttls", mailsink.Options{TLS: cert.server}, Config{CAFile: cert.file}, "sent"},
		{"starttls not offered", mailsink.Options{}, Config{CAFile: cert.file}, "unavailable"},
		{"starttls, strange certificate", mailsink.Options{TLS: cert.server}, Config{CAFile: stranger.file}, "unavailable"},
		{"starttls, certificate of nobody", mailsink.Options{TLS: cert.server}, Config{}, "unavailable"},
		{"implicit", mailsink.Options{TLS: cert.server, Implicit: true}, Config{TLS: TLSImplicit, CAFile: cert.file}, "sent"},
		{"implicit, strange certificate", mailsink.Options{TLS: cert.server, Implicit: true}, Config{TLS: TLSImplicit, CAFile: stranger.file}, "unavailable"},
		{"implicit to a plain port", mailsink.Options{}, Config{TLS: TLSImplicit, CAFile: cert.file}, "unavailable"},
		{"opportunistic", mailsink.Options{TLS: cert.server}, Config{TLS: TLSOpportunistic}, "sent"},
		{"opportunistic, checked", mailsink.Options{TLS: cert.server}, Config{TLS: TLSOpportunistic, CAFile: stranger.file}, "unavailable"},
		{"opportunistic, not offered", mailsink.Options{}, Config{TLS: TLSOpportunistic}, "sent"},
		{"none", mailsink.Options{TLS: cert.server}, Config{TLS: TLSNone}, "sent"},
		{"login", mailsink.Options{TLS: cert.server, Login: login}, Config{CAFile: cert.file, Username: "u", Password: "pässword 7"}, "sent"},
		{"login, implicit", mailsink.Options{TLS: cert.server, Implicit: true, Login: login}, Config{TLS: TLSImplicit, CAFile: cert.file, Username: "u", Password: "pässword 7"}, "sent"},
		{"login, wrong password", mailsink.Options{TLS: cert.server, Login: login}, Config{CAFile: cert.file, Username: "u", Password: "wrong-sesame"}, "unavailable"},
		{"login wanted", mailsink.Options{TLS: cert.server, Login: login}, Config{CAFile: cert.file}, "unavailable"},
		{"login not offered", mailsink.Options{TLS: cert.server}, Config{CAFile: cert.file, Username: "u", Password: "wrong-sesame"}, "unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFar(t, c.server)
			config := f.config()
			config.TLS, config.CAFile, config.Username, config.Password = c.client.TLS, c.client.CAFile, c.client.Username, c.client.Password
			config.Timeout = 3 * time.Second
			err := newBackend(t, config).Send(t.Context(), sample("x"))
			if class(err) != c.want {
				t.Errorf("Send = %v, which is %s, want %s", err, class(err), c.want)
			}
			if err != nil && strings.Contains(err.Error(), "sesame") {
				t.Errorf("the error %q tells the password", err)
			}
			if sent := len(f.messages()) == 1; sent != (c.want == "sent") {
				t.Errorf("%d messages arrived", len(f.messages()))
			}
		})
	}
}
