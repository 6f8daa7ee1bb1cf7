package web

import (
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/schedule"
)

func TestLimiter(t *testing.T) {
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := newLimiter(func() time.Time { return clock }, time.Minute, 3)
	l.most = 10
	for i := range 3 {
		if !l.allow("alice") {
			t.Fatalf("number %d was refused", i+1)
		}
	}
	if l.allow("alice") {
		t.Error("the fourth was allowed")
	}
	if !l.allow("bob") {
		t.Error("alice's allowance was taken from bob")
	}
	clock = clock.Add(time.Minute)
	if !l.allow("alice") || l.allow("alice") {
		t.Error("after a minute exactly one more should be allowed")
	}
	for i := range 100 { // strangers fill the table and share what is left
		l.allow("stranger " + strconv.Itoa(i))
	}
	if len(l.keys) > l.most {
		t.Errorf("%d keys are kept, want at most %d", len(l.keys), l.most)
	}
	if l.allow("alice") {
		t.Error("filling the table gave alice her allowance back")
	}
	clock = clock.Add(time.Hour)
	if !l.allow("carol") || len(l.keys) != 1 {
		t.Errorf("%d keys are kept although all have their allowance back", len(l.keys)-1)
	}
}

func TestClient(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	s := &site{Options: Options{TrustedProxies: func() []netip.Prefix { return trusted }}}
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
		if got := s.client(r); got != c.want {
			t.Errorf("client of %s with %q is %q, want %q", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestWordsOfTimes(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 27, 12, 0, 0, 0, zone) // Friday; the clocks change on Sunday
	for _, c := range []struct {
		s    schedule.Schedule
		want string
	}{
		{schedule.Schedule{}, "The next notice goes at once."},
		{schedule.Schedule{Every: time.Hour}, "The next digest starts with the next notice."},
		{schedule.Schedule{At: "07:00"}, "Next digest tomorrow at 07:00."},
		{schedule.Schedule{At: "13:00"}, "Next digest today at 13:00."},
		{schedule.Schedule{At: "07:00", Weekdays: []time.Weekday{time.Monday}, Count: 5},
			"Next digest on Monday at 07:00, or earlier."},
		// 02:30 does not exist
		{schedule.Schedule{At: "02:30", Weekdays: []time.Weekday{time.Sunday}}, "Next digest on Sunday at 03:30."},
	} {
		if got := nextWords(c.s, now, zone); got != c.want {
			t.Errorf("nextWords(%+v) = %q, want %q", c.s, got, c.want)
		}
	}
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{10 * time.Second, "just now"}, {5 * time.Minute, "5 minutes ago"}, {time.Minute, "1 minute ago"},
		{3 * time.Hour, "3 hours ago"},
		{13 * time.Hour, "yesterday at 23:00"}, {-2 * time.Hour, "today at 14:00"},
		{100 * 24 * time.Hour, "17 December 2025 at 12:00"},
	} {
		if got := ago(now.Add(-c.d), now, zone); got != c.want {
			t.Errorf("ago(%v) = %q, want %q", c.d, got, c.want)
		}
	}
}
