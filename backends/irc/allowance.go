package irc

import (
	"fmt"
	"time"
)

// What a server may say: a burst, which must do for the whole registration with its MOTD, and after that so much a
// second. notifyd is in no channel, so it hears little but answers to its own lines, each of which has 20 at most.
const (
	burstLines      = 5000
	burstBytes      = 2 << 20
	linesPerSecond  = 100
	answersPerLine  = 20
	bytesPerLine    = 512
	burstOfKind     = 64 // lines of one of the kinds that the library keeps or answers
	kindPerSecond   = 1. / 60
	tooMuch         = "the server says too much: over %.0f %s, and more than %.2g a second after that"
	tooMuchAtOnce   = "the server says too much before the end of the registration: over %.0f %s"
	kindISupport    = "005" // the library keeps each token until the registration is over
	kindCapability  = "CAP" // it keeps each capability until then, and asks for them at the end of each list
	kindCredentials = "AUTHENTICATE"
)

// An allowance is what one connection may say, in all and of the kinds that cost memory: a token bucket for each
// (https://en.wikipedia.org/wiki/Token_bucket).
type allowance struct {
	refills      bool
	lines, bytes bucket
	kinds        map[string]*bucket // a fixed few: what a server names makes none
}

func newAllowance(perSecond float64) *allowance {
	rate := linesPerSecond + answersPerLine*perSecond
	a := &allowance{
		lines: bucket{what: "lines", left: burstLines, most: burstLines, perSecond: rate},
		bytes: bucket{what: "bytes", left: burstBytes, most: burstBytes, perSecond: rate * bytesPerLine},
		kinds: map[string]*bucket{},
	}
	for _, kind := range []string{kindISupport, kindCapability, kindCredentials} {
		a.kinds[kind] = &bucket{what: "lines of " + kind, left: burstOfKind, most: burstOfKind, perSecond: kindPerSecond}
	}
	return a
}

// spend counts one line of a command. The error says which of the bounds it breaks.
func (a *allowance) spend(command string, size int, now time.Time) error {
	if kind := a.kinds[command]; kind != nil {
		if err := kind.take(1, now, a.refills); err != nil {
			return err
		}
	}
	if err := a.lines.take(1, now, a.refills); err != nil {
		return err
	}
	return a.bytes.take(size, now, a.refills)
}

// A bucket holds what is left of one bound.
type bucket struct {
	what                  string
	left, most, perSecond float64
	filled                time.Time
}

func (b *bucket) take(n int, now time.Time, refills bool) error {
	if refills && !b.filled.IsZero() {
		b.left = min(b.most, b.left+b.perSecond*now.Sub(b.filled).Seconds())
	}
	b.filled = now
	if b.left -= float64(n); b.left >= 0 {
		return nil
	}
	if !refills {
		return fmt.Errorf(tooMuchAtOnce, b.most, b.what)
	}
	return fmt.Errorf(tooMuch, b.most, b.what, b.perSecond)
}
