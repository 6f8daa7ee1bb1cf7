package history_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// BenchmarkAppend appends small messages, 100 in a transaction.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name string
		dsn  func(testing.TB) string
	}{{"sqlite", migratest.SQLite}, {"postgres", migratest.Postgres}} {
		b.Run(c.name, func(b *testing.B) {
			d := migratest.Open(b, c.dsn(b))
			s := history.NewStore(d.Writer, d.Reader, func() time.Time { return noon.Add(time.Hour) })
			if err := s.Hold(b.Context(), history.Keep{Bytes: 10 << 30}); err != nil {
				b.Fatal(err)
			}
			next := 0
			for range b.N {
				b.StopTimer()
				var events []*catalogue.Event
				for range 100 {
					next++
					f := bus.Frame{Source: "main", Topic: "org.example.prod.git.receive", Payload: fmt.Appendf(nil,
						`{"topic":"org.example.prod.git.receive","msg_id":"2026-%s","timestamp":1795262400,"i":1,`+
							`"username":"git","msg":{"commit":{"repo":"bash","branch":"main","rev":"abc",`+
							`"username":"bob","summary":"x","message":"%0600d"}}}`, someUUID(next), next)}
					m, err := bus.Decode(f, noon)
					if err != nil {
						b.Fatal(err)
					}
					m.ContentHash()
					m.Standing = bus.Standing{Verdict: bus.Signed, Signer: "pkgs01.example.org", Method: bus.X509}
					events = append(events, &catalogue.Event{Message: m, App: "git", Kind: "git.receive", Title: "git.receive",
						Actor: "bob", Users: []string{"bob"}, Packages: []string{"bash"}})
				}
				b.StartTimer()
				var outcomes []history.Outcome
				err := d.Writer.Transaction(func(tx *gorm.DB) (err error) {
					outcomes, err = s.Append(tx, events)
					return err
				})
				if err == nil {
					_, err = s.Committed(b.Context(), outcomes)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// someUUID is one that is as random as a real one, which is what an index feels.
func someUUID(n int) string {
	h := sha256.Sum256(fmt.Append(nil, n))
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
