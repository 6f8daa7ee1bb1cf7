package daemon

import (
	"encoding/json"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// BenchmarkVerify is BenchmarkEndToEnd with signed messages, first by a daemon that has no CA to check them by, and
// then by one that has. The third part decodes and judges a burst alone, which all processors share.
func BenchmarkVerify(b *testing.B) {
	t := newTown(townFilters(b))
	p, err := pkitest.New(time.Now())
	if err != nil {
		b.Fatal(err)
	}
	folder := b.TempDir()
	if err := p.Write(folder); err != nil {
		b.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(folder, name) }
	checking := "  trust: {ca: '" + file("ca.crt") + "', crl: '" + file("crl.pem") + "', policy: {org.example.#: [" +
		pkitest.Git + "]}}"
	var ratios []float64
	for range 3 { // by turns, since the machine has other work too
		var off, on float64 // messages a second
		b.Run("off", func(b *testing.B) {
			off = endToEnd(b, townDatabase(b, t), signedDrafts(b, t, p), "  trust: {verdicts: {unchecked: accept}}")
		})
		b.Run("on", func(b *testing.B) { on = endToEnd(b, townDatabase(b, t), signedDrafts(b, t, p), checking) })
		if off > 0 && on > 0 {
			ratios = append(ratios, on/off)
		}
	}
	if slices.Sort(ratios); len(ratios) > 0 {
		b.Run("ratio", func(b *testing.B) {
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
	b.Run("burst", func(b *testing.B) { benchmarkBurst(b, t, p, filepath.Join(folder, "ca.crt")) })
}

// signedDrafts signs the messages of t before they are needed, which costs far more than checking them.
func signedDrafts(b *testing.B, t *town, p *pkitest.PKI) func(int) (string, []byte) {
	drafts := t.drafts()
	topics, payloads := make([]string, b.N+200), make([][]byte, b.N+200)
	var signing sync.WaitGroup
	for worker := range runtime.GOMAXPROCS(0) {
		signing.Go(func() {
			for i := worker; i < len(payloads); i += runtime.GOMAXPROCS(0) {
				topic, payload := drafts(i)
				topics[i], payloads[i] = topic, signed(p, payload)
			}
		})
	}
	signing.Wait()
	return func(i int) (string, []byte) { return topics[i], payloads[i] }
}

// burst is a batch as it comes under load.
const burst = 256

// benchmarkBurst decodes and judges a burst. -cpu tells how it is shared.
func benchmarkBurst(b *testing.B, t *town, p *pkitest.PKI, ca string) {
	v, err := trust.Open(trust.Config{CA: ca})
	if err != nil {
		b.Fatal(err)
	}
	drafts := t.drafts()
	var frames []bus.Frame
	for i := range burst {
		topic, payload := drafts(i)
		frames = append(frames, bus.Frame{Source: "town", Topic: topic, Payload: signed(p, payload)})
	}
	for b.Loop() {
		for _, r := range receiveAll(frames, v, time.Now) {
			if r.err != nil || r.message.Standing.Verdict != bus.Signed {
				b.Fatal(r.message.Standing, r.err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*burst), "us/msg")
}

// signed signs a payload.
func signed(p *pkitest.PKI, payload []byte) []byte {
	var envelope map[string]any
	if err := json.Unmarshal(payload, &envelope); err != nil {
		panic(err)
	}
	envelope["timestamp"] = p.Now.Unix()
	return pkitest.Canonical(p.Sign(pkitest.Git, envelope))
}
