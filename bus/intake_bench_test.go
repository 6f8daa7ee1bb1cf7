package bus_test

import (
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// BenchmarkFairShare puts one message of an honest source into an Intake where floods have filled their queues, and
// takes batches until it comes. It reports how many batches and bytes came before it, with it, and what a batch costs.
func BenchmarkFairShare(b *testing.B) {
	for name, c := range map[string]struct{ floods, size int }{
		"alone": {0, 0}, "6 of 1 kB": {6, 1000}, "1 of 1 MB": {1, 1_000_000}, "6 of 1 MB": {6, 1_000_000},
		"1 of 8 MiB": {1, bus.MaxPayload},
	} {
		b.Run(name, func(b *testing.B) {
			in := bus.NewIntake(bus.IntakeConfig{})
			payload := make([]byte, c.size)
			var batches, frames, bytes int
			for b.Loop() {
				for i := range c.floods {
					for in.TryPut(bus.Frame{Source: string(rune('a' + i)), Topic: "t", Payload: payload}) {
					}
				}
				in.TryPut(bus.Frame{Source: "honest", Topic: "t", Payload: payload[:min(len(payload), 1000)]})
				for came := false; !came; {
					batch, _ := in.Next(b.Context())
					batches++
					for _, f := range batch {
						came = came || f.Source == "honest"
						frames++
						bytes += len(f.Payload)
						f.Done()
					}
				}
			}
			b.ReportMetric(float64(batches)/float64(b.N), "batches/op")
			b.ReportMetric(float64(frames)/float64(b.N), "frames/op")
			b.ReportMetric(float64(bytes)/float64(b.N), "bytes/op")
		})
	}
}
