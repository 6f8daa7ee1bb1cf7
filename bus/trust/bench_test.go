package trust_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

// BenchmarkVerify has one verification an operation. A publisher's certificate is checked once, and then remembered:
// "certificate" is the first time.
func BenchmarkVerify(b *testing.B) {
	p := newPKI(b, "CA")
	x509 := decode(b, sign(b, p.signer("app01"), plain))
	large := decode(b, sign(b, p.signer("app01"), with(b, plain, fields{"msg": strings.Repeat("text ", 20000)})))
	key := newGPGKey(b, "Bot", at(now.AddDate(-1, 0, 0)))
	gpg := decode(b, gpgSign(b, key, plain, at(now)))
	keys := trust.Keys{CA: p.PEM(), CRL: crlPEM(p.crl(inDate(1000))), GPG: public(b, key)}
	v := verifier(b, trust.Config{}, keys)
	for _, c := range []struct {
		name string
		m    *bus.Message
		want bus.Verdict
	}{{"x509", x509, bus.Signed}, {"x509-100KB", large, bus.Signed}, {"gpg", gpg, bus.BodyOnly}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, _ := v.Judge(c.m, now); got.Verdict != c.want {
					b.Fatal(got)
				}
			}
		})
	}
	b.Run("x509-certificate", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			fresh := verifier(b, trust.Config{}, keys)
			b.StartTimer()
			if got, _ := fresh.Judge(x509, now); got.Verdict != bus.Signed {
				b.Fatal(got)
			}
		}
	})
}

// BenchmarkVerifyRealMessages has the vectors of Fedora's services, and those of GPG with a key of RSA-2048.
func BenchmarkVerifyRealMessages(b *testing.B) {
	type vector struct{ Body string }
	v := verifier(b, trust.Config{}, trust.Keys{
		CA: vectors(b, "fedora-ca-2012.pem"), GPG: vectors(b, "gpg-public-keys.asc"),
	})
	for _, name := range []string{"real-signed.json", "gpg-signed.json"} {
		b.Run(strings.TrimSuffix(name, "-signed.json"), func(b *testing.B) {
			var all []*bus.Message
			for _, c := range vectorsOf[vector](b, name) {
				all = append(all, decode(b, c.Body))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m := all[i%len(all)]
				v.Judge(m, m.Time)
			}
		})
	}
}
