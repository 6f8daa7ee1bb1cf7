package limit

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Client returns the address that a request comes from: the peer's, or behind a trusted proxy the last one in
// X-Forwarded-For that is no trusted proxy.
func Client(r *http.Request, trusts func(netip.Addr) bool) netip.Addr {
	addr := ParsePeer(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusts(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap().WithZone("")
	}
	return addr
}

// ParsePeer returns the address of a peer, host and port; the zero Addr for what has none, such as a Unix socket.
func ParsePeer(remote string) netip.Addr {
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

// Network names the smallest network that an address counts as: one host may use all of an IPv6 /64.
func Network(addr netip.Addr) string {
	if addr.Is6() {
		return prefix(addr, 64).String()
	}
	return addr.String()
}

// Trusted returns a function that reports whether an address is in one of the networks; nil: in none. A peer without
// an address is one on a Unix socket, which only the proxy can open.
func Trusted(networks func() []netip.Prefix) func(netip.Addr) bool {
	return func(addr netip.Addr) bool {
		if !addr.IsValid() || networks == nil {
			return !addr.IsValid()
		}
		for _, p := range networks() {
			if p.Contains(addr) {
				return true
			}
		}
		return false
	}
}

// widths returns the networks that an address counts as, the widest first; none for the zero Addr.
func widths(addr netip.Addr) []netip.Prefix {
	switch {
	case addr.Is4():
		return []netip.Prefix{prefix(addr, 24), prefix(addr, 32)}
	case addr.Is6():
		return []netip.Prefix{prefix(addr, 48), prefix(addr, 56), prefix(addr, 64)}
	}
	return nil
}

// prefix is for lengths that every address of the kind has.
func prefix(addr netip.Addr, bits int) netip.Prefix {
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.PrefixFrom(addr, addr.BitLen())
	}
	return p
}
