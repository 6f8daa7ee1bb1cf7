package irc

import "github.com/notifyd/notifyd/backends"

var _ backends.Splitter = (*Backend)(nil)

// Medium names the network of an address: one that is down does not hold the others back.
func (b *Backend) Medium(address string) string {
	_, name, err := parseAddress(address)
	if err != nil {
		return ""
	}
	n := b.find(name)
	if n == nil {
		return ""
	}
	return n.config.Name
}
