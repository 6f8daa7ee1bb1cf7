package limit

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

// A world is a Limiter that allows ten at once and one more a minute, by a clock of its own.
type world struct {
	*Limiter
	at time.Time
}

func newWorld() *world {
	w := &world{at: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	w.Limiter = New(func() time.Time { return w.at }, time.Minute, 10)
	return w
}

// from makes n requests from an address and returns how many are allowed.
func (w *world) from(text string, n int) (allowed int) {
	for range n {
		if w.AllowFrom(netip.MustParseAddr(text)) {
			allowed++
		}
	}
	return allowed
}

func (w *world) want(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d are allowed, want %d", what, got, want)
	}
}

func TestEachNetworkHasItsAllowance(t *testing.T) {
	w := newWorld()
	w.want(t, "one address", w.from("192.0.2.1", 20), 10)
	w.want(t, "its neighbour", w.from("192.0.2.2", 20), 10)
	w.want(t, "one /64", w.from("2001:db8::1", 5)+w.from("2001:db8::ffff:1", 20), 10)
	w.want(t, "the next /64", w.from("2001:db8:0:1::1", 20), 10)
	w.at = w.at.Add(time.Minute)
	w.want(t, "a minute later", w.from("192.0.2.1", 20), 1)
	if !w.Allow("alice") || w.Limiter.AllowFrom(netip.Addr{}) != w.AllowFrom(netip.Addr{}) {
		t.Error("a name, or what is no address, is refused")
	}
}

// More than sixteen networks of a wider one share what it has, and are counted by themselves again when fewer come.
func TestACrowdSharesOneAllowance(t *testing.T) {
	w := newWorld()
	allowed := 0
	for i := range 250 {
		allowed += w.from(fmt.Sprintf("192.0.2.%d", i), 1)
	}
	w.want(t, "a /24", allowed, 16+40)
	w.want(t, "one that was there before", w.from("192.0.2.1", 5), 0)
	w.want(t, "another /24", w.from("198.51.100.1", 20), 10)
	w.at = w.at.Add(time.Hour)
	w.want(t, "an hour later", w.from("192.0.2.1", 20), 10)
	w.want(t, "and its neighbour", w.from("192.0.2.2", 20), 10)
}

// TestManyNetworksOfOneProvider is the attack on the limits of the pages: 10,500 requests from as many networks of one
// /48. What others may do does not change, and what the attacker may do is little.
func TestManyNetworksOfOneProvider(t *testing.T) {
	w := newWorld()
	for i := range 8 { // others are there before
		w.from(fmt.Sprintf("2001:db8:%x::1", i+1), 3)
	}
	allowed := 0
	for i := range 10_500 {
		allowed += w.from(fmt.Sprintf("2001:db8:ffff:%x::1", i), 1)
	}
	if allowed > 16*(16+40)+40 {
		t.Errorf("%d of 10500 are allowed", allowed)
	}
	for i := range 1000 {
		w.want(t, "a newcomer", w.from(fmt.Sprintf("2001:db8:%x::1", 0x1000+i), 20), 10)
	}
	w.want(t, "one that was there before", w.from("2001:db8:1::1", 20), 7)
	if len(w.keys) > 5000 {
		t.Errorf("%d keys", len(w.keys))
	}
}

// However many come, a bounded number is kept, and nobody new is refused.
func TestTheLeastRecentlyUsedGoes(t *testing.T) {
	w := newWorld()
	w.most = 300
	w.want(t, "one who goes on", w.from("192.0.2.1", 10), 10)
	for i := range 5000 {
		w.want(t, "a newcomer", w.from(fmt.Sprintf("10.%d.%d.1", i/256, i%256), 1), 1)
		w.want(t, "one who goes on", w.from("192.0.2.1", 1), 0)
		if len(w.keys) > w.most || w.recent.Len() != len(w.keys) {
			t.Fatalf("%d keys and %d places", len(w.keys), w.recent.Len())
		}
	}
	w.most = 2 // fewer than one address needs
	for i := range 100 {
		w.from(fmt.Sprintf("2001:db8:%x::1", i), 1)
		if len(w.keys) > 3 {
			t.Fatalf("%d keys", len(w.keys))
		}
	}
}

func TestClient(t *testing.T) {
	trusts := Trusted(func() []netip.Prefix {
		return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	})
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.7", "192.0.2.1"}, // nobody we know says so
		{"10.0.0.1:5", "198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:5", "203.0.113.9, 198.51.100.7", "198.51.100.7"}, // the client can write the first itself
		{"10.0.0.1:5", "198.51.100.7, 10.0.0.2", "198.51.100.7"},
		{"10.0.0.1:5", "nonsense", "10.0.0.1"},
		{"[::1]:5", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"[2001:db8:1:2::9]:5", "", "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
		{"@", "", "invalid IP"},
		{"@", "203.0.113.9, 198.51.100.7", "198.51.100.7"}, // a Unix socket: only the proxy can open it
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := Network(Client(r, trusts)); got != c.want {
			t.Errorf("client of %s with %q is %q, want %q", c.remote, c.forwarded, got, c.want)
		}
	}
	if Trusted(nil)(netip.MustParseAddr("127.0.0.1")) {
		t.Error("somebody is trusted where nobody is named")
	}
}
