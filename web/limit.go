package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A limiter bounds the rate of each key. It keeps a bounded number of keys: when it is full, it forgets the keys that
// have their whole allowance back, and when none has, new keys share one allowance.
type limiter struct {
	every time.Duration // the time until one more is allowed
	burst int
	most  int // keys
	now   func() time.Time

	mu     sync.Mutex
	keys   map[string]*rate.Limiter
	shared *rate.Limiter
}

func newLimiter(now func() time.Time, every time.Duration, burst int) *limiter {
	return &limiter{
		every: every, burst: burst, most: 10_000, now: now,
		keys:   make(map[string]*rate.Limiter),
		shared: rate.NewLimiter(rate.Every(every), burst),
	}
}

// allow takes one from the allowance of key.
func (l *limiter) allow(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	k, known := l.keys[key]
	if !known {
		if len(l.keys) >= l.most {
			l.evict(now)
		}
		if len(l.keys) >= l.most {
			return l.shared.AllowN(now, 1)
		}
		k = rate.NewLimiter(rate.Every(l.every), l.burst)
		l.keys[key] = k
	}
	return k.AllowN(now, 1)
}

// evict forgets the keys that have their whole allowance back.
func (l *limiter) evict(now time.Time) {
	for key, k := range l.keys {
		if k.TokensAt(now) >= float64(l.burst) {
			delete(l.keys, key)
		}
	}
}

// client returns the network that the request comes from: the peer's address, or behind a trusted proxy the last
// address in X-Forwarded-For that is no trusted proxy. An IPv6 address counts as its /64, because one host may use all
// of it.
func (s *site) client(r *http.Request) string {
	addr := parseHost(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	if addr.Is6() {
		p, err := addr.Prefix(64)
		if err == nil {
			return p.String()
		}
	}
	return addr.String()
}

func (s *site) trusts(addr netip.Addr) bool {
	if !addr.IsValid() { // a Unix socket, which only the proxy can open
		return true
	}
	if s.TrustedProxies == nil {
		return false
	}
	for _, p := range s.TrustedProxies() {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func parseHost(remote string) netip.Addr {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
