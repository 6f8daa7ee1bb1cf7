package backendtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/metric"
)

func testInfo(t *testing.T, b *bench) {
	info := b.Info
	if info.Name == "" || info.Title == "" || info.Doc == "" || info.AddressTitle == "" || info.CheckAddress == nil {
		b.stop(describesItself, "%+v", info)
	}
	if _, fetched := b.Backend.(backends.Fetched); fetched != (info.Agent != "") {
		b.broken(describesItself, "Agent is %q, but the backend is Fetched: %t", info.Agent, fetched)
	}
	for _, a := range []string{b.To, b.Refused} {
		if a == "" {
			continue
		}
		once, err := info.CheckAddress(a)
		if err != nil {
			b.broken(checksAddresses, "CheckAddress(%q) = %v", a, err)
			continue
		}
		if twice, err := info.CheckAddress(once); err != nil || twice != once {
			b.broken(checksAddresses, "its own form %q gives %q, %v", once, twice, err)
		}
	}
	for _, bad := range []string{
		"", " ", "a\r\nb", "a\x00b", b.To + "\r\nQUIT", b.To + "\n", strings.Repeat("x", 5000), "\xff",
	} {
		if got, err := info.CheckAddress(bad); err == nil && (got == bad || strings.ContainsAny(got, "\r\n\x00")) {
			b.broken(checksAddresses, "CheckAddress(%.40q) = %.40q, want an error", bad, got)
		}
	}
}

// testMetrics looks at the figures of a backend that offers some. Their labels are public.
func testMetrics(t *testing.T, b *bench) {
	metered, ok := b.Backend.(backends.Metered)
	if !ok {
		t.Skip("the backend offers no metrics")
	}
	b.deliver(b.parcel("metered", Samples()[0]))
	if err := metric.Check(metered.Collect); err != nil {
		b.broken(measures, "%v", err)
	}
	metered.Collect(func(d *metric.Desc, _ float64, labels ...string) {
		for _, secret := range append(slices.Clone(b.Secrets), b.To) {
			if secret != "" && slices.ContainsFunc(labels, func(l string) bool { return strings.Contains(l, secret) }) {
				b.broken(measures, "the labels %q of %s leak %q", labels, d.Name, secret)
			}
		}
	})
}
