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
)

func testOne(t *testing.T, b *bench) {
	for i, n := range Samples() {
		b.deliver(b.parcel(fmt.Sprintf("one-%d", i), n))
		b.expect(delivers, n.Title)
		if !b.Whole {
			continue
		}
		b.expect(tellsText, strings.Fields(n.Text)[0])
		for _, reason := range n.Why {
			b.expect(tellsWhy, reason.Filter)
		}
	}
}

func testDigest(t *testing.T, b *bench) {
	notices := Many(b.Many)
	b.deliver(b.parcel("digest-1", notices...))
	var want []string
	for _, n := range notices {
		want = append(want, n.Title)
	}
	b.expect(tellsAll, want...)
}

func testAccount(t *testing.T, b *bench) {
	b.deliver(backends.Parcel{ID: "account-1", To: b.To, Notices: []backends.Notice{Account()}})
	b.expect(tellsAccount, "314159")
}

// testNextTerm runs the backend again, as a node does that takes over from another one what it had before.
func testNextTerm(t *testing.T, b *bench) {
	if backends.OnEveryNode(b.Backend) {
		t.Skip("it runs on every node")
	}
	n := Samples()[0]
	b.deliver(b.parcel("term-1", n))
	b.expect(delivers, n.Title)
	b.end()
	b.run(b.Backend.(backends.Runner))
	n.Title = "of the next term"
	if err := b.tryDeliver(b.parcel("term-2", n)); err != nil {
		b.stop(returned, "Send = %v for %v", err, patience)
	}
	b.expect(returned, n.Title)
}

// testRetry sends a parcel twice, as the outbox does after a crash between the backend's yes and its own commit.
func testRetry(t *testing.T, b *bench) {
	n := Samples()[0]
	b.deliver(b.parcel("retry-1", n))
	b.expect(delivers, n.Title)
	b.deliver(b.parcel("retry-1", n))
	other := n
	other.Title = "quite another notice"
	b.deliver(b.parcel("retry-2", other))
	var got []Receipt
	for _, r := range b.expect(delivers, other.Title) {
		if strings.Contains(r.Text, n.Title) || strings.Contains(r.Text, other.Title) { // no mark
			got = append(got, r)
		}
	}
	ids := map[string]bool{}
	for _, r := range got {
		if r.ID == "" {
			t.Skip("the backend shows no identity")
		}
		ids[r.ID] = true
	}
	if len(ids) != 2 {
		b.broken(recognises, "two parcels, one of them twice, arrived under %d identities: %s", len(ids), brief(got))
	}
}

func testConcurrent(t *testing.T, b *bench) {
	const senders, each = 4, 3
	var sending sync.WaitGroup
	var want []string
	var failed sync.Map
	for s := range senders {
		for i := range each {
			n := Samples()[i%len(Samples())]
			n.ID = fmt.Sprintf("concurrent-%d-%d", s, i)
			n.Title = fmt.Sprintf("concurrent notice %d-%d arrives", s, i)
			want = append(want, n.Title)
			sending.Go(func() {
				if err := b.tryDeliver(b.parcel(n.ID, n)); err != nil {
					failed.Store(n.ID, err)
				}
			})
		}
	}
	sending.Wait()
	failed.Range(func(id, err any) bool {
		b.broken(isConcurrent, "Send(%v) = %v", id, err)
		return true
	})
	if t.Failed() {
		return
	}
	all := ""
	for _, r := range b.expect(isConcurrent, want...) {
		all += r.Text + "\n"
	}
	for _, title := range want {
		if c := strings.Count(all, title); c > 3 { // a mail may say it in the subject and twice in the text
			b.broken(isConcurrent, "%q arrived %d times", title, c)
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
				b.broken(resists, "%s: Send = %v", name, err)
			}
			continue
		}
		if name == "long word" {
			word = word[:8]
		}
		b.expect(resists, word)
	}
	honest := Samples()[0]
	honest.Title = "an honest notice after all that"
	b.deliver(b.parcel("honest", honest))
	b.expect(resists, honest.Title)
	b.deliver(b.parcel("hostile-digest", slices.Collect(maps.Values(all))[:min(len(all), b.Many)]...))
}
