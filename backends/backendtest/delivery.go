package backendtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/metric"
)

const manage = "https://notify.example.org/settings"

func (b *bench) parcel(id string, notices ...backends.Notice) backends.Parcel {
	return backends.Parcel{ID: id, To: b.To, Notices: notices, Manage: manage}
}

func testInfo(t *testing.T, b *bench) {
	k := b.Info
	if k.Name == "" || k.Title == "" || k.Doc == "" || k.AddressTitle == "" || k.CheckAddress == nil {
		t.Fatalf("the Info %+v has an empty field", k)
	}
	if _, fetched := b.Backend.(backends.Fetched); fetched != (k.Agent != "") {
		t.Errorf("Info.Agent is %q, but the backend is Fetched: %t", k.Agent, fetched)
	}
	for _, a := range []string{b.To, b.Refused} {
		if a == "" {
			continue
		}
		once, err := k.CheckAddress(a)
		if err != nil {
			t.Errorf("CheckAddress(%q) = %v", a, err)
			continue
		}
		if twice, err := k.CheckAddress(once); err != nil || twice != once {
			t.Errorf("CheckAddress is not stable: %q, then %q, %v", once, twice, err)
		}
	}
	for _, bad := range []string{"", " ", "a\r\nb", "a\x00b", b.To + "\r\nQUIT", b.To + "\n", strings.Repeat("x", 5000), "\xff"} {
		if got, err := k.CheckAddress(bad); err == nil && (got == bad || strings.ContainsAny(got, "\r\n\x00")) {
			t.Errorf("CheckAddress(%.40q) = %.40q, want an error", bad, got)
		}
	}
}

// testMetrics holds the metrics of a backend that offers some against the rules of their model. Labels name networks
// and the like: an address or a secret in one would be public.
func testMetrics(t *testing.T, b *bench) {
	metered, ok := b.Backend.(backends.Metered)
	if !ok {
		t.Skip("the backend offers no metrics")
	}
	b.deliver(b.parcel("metered", Samples()[0]))
	if err := metric.Check(metered.Collect); err != nil {
		t.Error(err)
	}
	metered.Collect(func(d *metric.Desc, _ float64, labels ...string) {
		for _, secret := range append(slices.Clone(b.Secrets), b.To) {
			if secret != "" && slices.ContainsFunc(labels, func(l string) bool { return strings.Contains(l, secret) }) {
				t.Errorf("the labels %q of %s leak %q", labels, d.Name, secret)
			}
		}
	})
}

func testOne(t *testing.T, b *bench) {
	for i, n := range Samples() {
		b.deliver(b.parcel(fmt.Sprintf("one-%d", i), n))
		want := []string{n.Title}
		if b.Whole {
			want = append(want, strings.Fields(n.Text)[0], n.Why[0].Filter)
		}
		b.expect(want...)
	}
}

func testDigest(t *testing.T, b *bench) {
	notices := Many(b.Many)
	b.deliver(b.parcel("digest-1", notices...))
	var want []string
	for _, n := range notices {
		want = append(want, n.Title)
	}
	b.expect(want...)
}

func testAccount(t *testing.T, b *bench) {
	b.deliver(backends.Parcel{ID: "account-1", To: b.To, Notices: []backends.Notice{Account()}})
	b.expect("314159")
}

// testRetry sends a parcel twice, as the outbox does after a crash between the backend's yes and its own commit.
func testRetry(t *testing.T, b *bench) {
	n := Samples()[0]
	b.deliver(b.parcel("retry-1", n))
	b.expect(n.Title)
	b.deliver(b.parcel("retry-1", n))
	other := n
	other.Title = "quite another notice"
	b.deliver(b.parcel("retry-2", other))
	got := b.expect(other.Title)
	ids := map[string]bool{}
	for _, r := range got {
		if r.ID == "" {
			t.Skip("the backend shows no identity")
		}
		ids[r.ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("two parcels, one of them twice, arrived under %d identities, want 2: %s", len(ids), brief(got))
	}
}

func testConcurrent(t *testing.T, b *bench) {
	const senders, each = 4, 3
	var wg sync.WaitGroup
	var want []string
	var failed sync.Map
	for s := range senders {
		for i := range each {
			n := Samples()[i%len(Samples())]
			n.ID = fmt.Sprintf("concurrent-%d-%d", s, i)
			n.Title = fmt.Sprintf("concurrent notice %d-%d arrives", s, i)
			want = append(want, n.Title)
			wg.Go(func() {
				if err := b.tryDeliver(b.parcel(n.ID, n)); err != nil {
					failed.Store(n.ID, err)
				}
			})
		}
	}
	wg.Wait()
	failed.Range(func(id, err any) bool {
		t.Errorf("Send(%v) = %v", id, err)
		return true
	})
	if t.Failed() {
		return
	}
	all := ""
	for _, r := range b.expect(want...) {
		all += r.Text + "\n"
	}
	for _, title := range want {
		if c := strings.Count(all, title); c > 3 { // a mail may say it in the subject and twice in the text
			t.Errorf("%q arrived %d times", title, c)
		}
	}
}

// testHostile sends each attempt and then an honest notice, which must arrive as ever. The backend may shorten and
// clean a hostile text; the first word of its title must arrive.
func testHostile(t *testing.T, b *bench) {
	all := Hostile()
	for i, name := range slices.Sorted(maps.Keys(all)) {
		n := all[name]
		word := n.Title[:strings.IndexFunc(n.Title+" ", func(r rune) bool { return r < 'a' || r > 'z' })]
		if err := b.tryDeliver(b.parcel(fmt.Sprintf("hostile-%d", i), n)); err != nil {
			if !errors.Is(err, backends.ErrRefused) {
				t.Errorf("%s: Send = %v", name, err)
			}
			continue
		}
		if name == "long word" {
			word = word[:8]
		}
		b.expect(word)
	}
	honest := Samples()[0]
	honest.Title = "an honest notice after all that"
	b.deliver(b.parcel("honest", honest))
	b.expect(honest.Title)
	b.deliver(b.parcel("hostile-digest", slices.Collect(maps.Values(all))[:min(len(all), b.Many)]...))
}
