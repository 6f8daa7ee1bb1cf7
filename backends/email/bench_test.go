package email

import (
	"fmt"
	"io"
	"testing"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

// BenchmarkCompose builds and serialises, without a server.
func BenchmarkCompose(b *testing.B) {
	back := newBackend(b, Config{Host: "mx", From: "n@example.org"})
	for _, name := range []string{"failed-build", "digest"} {
		p := gallery()[name]
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				m, err := back.composer.compose(p)
				if err != nil {
					b.Fatal(err)
				}
				m.WriteTo(io.Discard)
			}
		})
	}
}

// BenchmarkSend builds and sends to the fake server, with kept connections and with a new one for each message.
func BenchmarkSend(b *testing.B) {
	for _, c := range []struct {
		name          string
		perConnection int
		parallel      bool
	}{{"kept connection", 100, false}, {"connection each", 1, false}, {"two kept connections", 100, true}} {
		b.Run(c.name, func(b *testing.B) {
			f := newFarEnd(b, fakesmtp.Options{Keep: 10})
			config := f.config()
			config.PerConnection = c.perConnection
			back := newBackend(b, config)
			send := func(i int) {
				if err := back.Send(b.Context(), sample(fmt.Sprint(i))); err != nil {
					b.Error(err)
				}
			}
			b.ResetTimer()
			if c.parallel {
				b.RunParallel(func(pb *testing.PB) {
					for i := 0; pb.Next(); i++ {
						send(i)
					}
				})
			} else {
				for i := range b.N {
					send(i)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
			b.ReportMetric(float64(b.N)/float64(f.smtp.Connections()), "mails/connection")
		})
	}
}
