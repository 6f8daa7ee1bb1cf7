package email

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

func TestEncryption(t *testing.T) {
	cert, stranger := selfSigned(t), selfSigned(t)
	login := func(u, p string) bool { return u == "u" && p == "pässword 7" }
	for _, c := range []struct {
		name   string
		server fakesmtp.Options
		client Config
		want   string
	}{
		{"starttls", fakesmtp.Options{TLS: cert.server}, Config{CAFile: cert.file}, "sent"},
		{"starttls not offered", fakesmtp.Options{}, Config{CAFile: cert.file}, "unavailable"},
		{"starttls, strange certificate", fakesmtp.Options{TLS: cert.server}, Config{CAFile: stranger.file},
			"unavailable"},
		{"starttls, certificate of nobody", fakesmtp.Options{TLS: cert.server}, Config{}, "unavailable"},
		{"implicit", fakesmtp.Options{TLS: cert.server, Implicit: true},
			Config{TLS: TLSImplicit, CAFile: cert.file}, "sent"},
		{"implicit, strange certificate", fakesmtp.Options{TLS: cert.server, Implicit: true},
			Config{TLS: TLSImplicit, CAFile: stranger.file}, "unavailable"},
		{"implicit to a plain port", fakesmtp.Options{}, Config{TLS: TLSImplicit, CAFile: cert.file}, "unavailable"},
		{"opportunistic", fakesmtp.Options{TLS: cert.server}, Config{TLS: TLSOpportunistic}, "sent"},
		{"opportunistic, checked", fakesmtp.Options{TLS: cert.server}, Config{TLS: TLSOpportunistic,
			CAFile: stranger.file}, "unavailable"},
		{"opportunistic, not offered", fakesmtp.Options{}, Config{TLS: TLSOpportunistic}, "sent"},
		{"none", fakesmtp.Options{TLS: cert.server}, Config{TLS: TLSNone}, "sent"},
		{"login", fakesmtp.Options{TLS: cert.server, Login: login}, Config{CAFile: cert.file, Username: "u",
			Password: "pässword 7"}, "sent"},
		{"login, implicit", fakesmtp.Options{TLS: cert.server, Implicit: true, Login: login},
			Config{TLS: TLSImplicit, CAFile: cert.file, Username: "u", Password: "pässword 7"}, "sent"},
		{"login, wrong password", fakesmtp.Options{TLS: cert.server, Login: login},
			Config{CAFile: cert.file, Username: "u", Password: "wrong-sesame"}, "unavailable"},
		{"login wanted", fakesmtp.Options{TLS: cert.server, Login: login}, Config{CAFile: cert.file}, "unavailable"},
		{"login not offered", fakesmtp.Options{TLS: cert.server}, Config{CAFile: cert.file, Username: "u",
			Password: "wrong-sesame"}, "unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFarEnd(t, c.server)
			config := f.config()
			config.TLS, config.CAFile, config.Username, config.Password = c.client.TLS, c.client.CAFile,
				c.client.Username, c.client.Password
			config.Timeout = 3 * time.Second
			err := newBackend(t, config).Send(t.Context(), sample("x"))
			if class(err) != c.want {
				t.Errorf("Send = %v, which is %s, want %s", err, class(err), c.want)
			}
			if err != nil && strings.Contains(err.Error(), "sesame") {
				t.Errorf("the error %q contains the password", err)
			}
			if sent := len(f.messages()) == 1; sent != (c.want == "sent") {
				t.Errorf("%d messages arrived", len(f.messages()))
			}
		})
	}
}
