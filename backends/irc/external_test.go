package irc

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/notifyd/notifyd/backends/irc/ircsink"
	"github.com/notifyd/notifyd/internal/tlstest"
)

// TestExternalLogin: the account is proved by the certificate of the connection (RFC 4422, appendix A), and one that
// the services do not know keeps notifyd away.
func TestExternalLogin(t *testing.T) {
	dir := t.TempDir()
	made, err := tlstest.Make(dir, "notifyd")
	if err != nil {
		t.Fatal(err)
	}
	server, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(made.Cert)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	sum := sha256.Sum256(block.Bytes)
	known := hex.EncodeToString(sum[:])
	for _, test := range []struct {
		name, fingerprint string
		works             bool
	}{{"known", known, true}, {"of somebody else", known[1:] + "0", false}} {
		t.Run(test.name, func(t *testing.T) {
			s, err := ircsink.Open(ircsink.Options{
				TLS:      &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequestClientCert},
				Accounts: []ircsink.Account{{Name: "notifyd", Certificate: test.fingerprint}},
			})
			if err != nil {
				t.Fatal(err)
			}
			n := Network{Name: "sink", Address: s.Addr().String(), TLS: true, CAFile: made.CA, ClientCert: made.Cert,
				ClientKey: made.Key, Nick: "notifyd", SASL: SASL{Mechanism: "external"}}
			b, err := New(Config{Networks: []Network{n}}, slog.New(slog.DiscardHandler), func() float64 { return 0.5 })
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 2)
			go func() { ended <- s.Run(ctx) }()
			go func() { ended <- b.Run(ctx) }()
			<-b.networks[0].first // it was tried once
			n0 := b.networks[0]
			n0.mu.Lock()
			got := n0.live != nil && n0.live.isLoggedIn()
			n0.mu.Unlock()
			if got != test.works {
				t.Errorf("logged in: %t", got)
			}
			stop()
			for range 2 {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		})
	}
}
