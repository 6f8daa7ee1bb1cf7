package backendtest

import (
	"errors"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/backends"
)

// A promise is one sentence of the contract. The package comment lists them all.
type promise string

const (
	describesItself promise = "Info has every field filled in"
	checksAddresses promise = "CheckAddress gives the canonical form of an address, and an error for what is none"
	measures        promise = "metrics keep to their model, and no label holds an address or a secret"
	delivers        promise = "Send gives nil only for what the far end has taken, and that arrives"
	tellsText       promise = "a notice that arrives whole has its text"
	tellsWhy        promise = "every reason's filter name must be readable in what was sent"
	tellsAll        promise = "a digest names each of its notices"
	tellsAccount    promise = "account mail arrives, although it has neither a topic nor reasons"
	recognises      promise = "a parcel that is sent twice is recognised as one"
	isConcurrent    promise = "Send is safe for concurrent use: each parcel arrives, and once"
	returns         promise = "Send returns when its context ends"
	isRetried       promise = "an error about neither the address nor the content is worth a retry: " +
		"it does not wrap ErrRefused"
	refuses  promise = "an address that the far end refuses for good is ErrGone, and the others still work"
	recovers promise = "what could not be sent while the server was down is taken when it is back"
	resists  promise = "no notice breaks out of the protocol, and the next one arrives as ever"
	warns    promise = "a marked notice shows its standing, and nothing that its sender wrote becomes a link"
	isSilent promise = "an error holds neither an address nor a secret"
	ends     promise = "Run returns nil soon after its context ends"
	returned promise = "a Runner that is not Everywhere sends again once Run is called again"
)

// broken fails the test for a promise, with what was seen.
func (b *bench) broken(p promise, format string, args ...any) {
	b.t.Helper()
	b.t.Errorf("broken promise: %s\n"+format, append([]any{p}, args...)...)
}

// stop is broken, and ends the test: what follows would only repeat it.
func (b *bench) stop(p promise, format string, args ...any) {
	b.t.Helper()
	b.broken(p, format, args...)
	b.t.FailNow()
}

// checkError holds every error of Send to its promise.
func (b *bench) checkError(err error) {
	b.t.Helper()
	if err == nil {
		return
	}
	text := strings.ToLower(err.Error())
	for _, s := range append(slices.Clone(b.Secrets), b.To, b.Refused) {
		if s != "" && strings.Contains(text, strings.ToLower(s)) {
			b.broken(isSilent, "%q leaks %q", err, s)
		}
	}
}

// checkFailure wants an error that is worth a retry.
func (b *bench) checkFailure(what string, err error) {
	b.t.Helper()
	switch {
	case err == nil:
		b.broken(delivers, "Send %s = nil, want an error", what)
	case errors.Is(err, backends.ErrRefused):
		b.broken(isRetried, "Send %s = %v", what, err)
	}
}
