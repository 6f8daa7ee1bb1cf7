package web

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/web/limit"
)

// limits are the rates that visitors are held to.
type limits struct {
	signIns *limit.Limiter // sign-in links, by network
	codes   *limit.Limiter // codes and links tried, by user or network
	tests   *limit.Limiter // test notices, by user
	posts   *limit.Limiter // anything posted, by user or network
	archive *limit.Limiter // queries of the archive, by user or network
}

func newLimits(now func() time.Time) limits {
	return limits{
		signIns: limit.New(now, time.Minute, 10),
		codes:   limit.New(now, 30*time.Second, 20),
		tests:   limit.New(now, time.Minute, 5),
		posts:   limit.New(now, 200*time.Millisecond, 120),
		archive: limit.New(now, 100*time.Millisecond, 300),
	}
}

// address returns the address that a request comes from. A proxy that is not trusted is said once in the log: all who
// come through it are one visitor.
func (s *site) address(r *http.Request) netip.Addr {
	trusts := limit.Trusted(s.TrustedProxies)
	peer := limit.ParsePeer(r.RemoteAddr)
	if s.secure && r.Header.Get("X-Forwarded-For") != "" && !trusts(peer) {
		s.untrusted.Do(func() {
			s.Log.Warn("a request came through a proxy that is not in web.trusted_proxies: all its visitors count as one",
				slog.String("proxy", peer.String()))
		})
	}
	return limit.Client(r, trusts)
}

// client names the network that a request comes from: an IPv4 address or an IPv6 /64.
func (s *site) client(r *http.Request) string { return limit.Network(s.address(r)) }

// allowed takes one from the visitor's allowance: the user's, or that of the network.
func (req *request) allowed(l *limit.Limiter) bool {
	if req.user.ID != 0 {
		return l.Allow("user " + strconv.FormatUint(uint64(req.user.ID), 10))
	}
	return l.AllowFrom(req.address(req.r))
}

// fromProxy reports whether a request comes through a proxy that is trusted.
func (req *request) fromProxy() bool {
	return limit.Trusted(req.TrustedProxies)(limit.ParsePeer(req.r.RemoteAddr))
}
