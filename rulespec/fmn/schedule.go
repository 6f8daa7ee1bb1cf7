package fmn

import (
	"fmt"
	"math"
	"time"

	"github.com/notifyd/notifyd/rulespec"
)

// The bounds on a digest of ours; what FMN had beyond them is brought to the nearest.
const (
	minEvery = time.Minute
	maxEvery = 7 * 24 * time.Hour
	minCount = 2
	maxCount = 1000
)

// digest carries over when a medium is delivered to: after so long, or at so many notices, whichever comes first. FMN
// asked once a minute, and a digest of one notice was no digest.
func (m *importer) digest(p preference, what string, to []string) {
	every := seconds(p.BatchDelta)
	count := 0
	if p.BatchCount != nil && *p.BatchCount >= minCount {
		count = int(math.Min(*p.BatchCount, maxCount))
	}
	asked := p.BatchDelta != nil || p.BatchCount != nil
	if p.BatchCount != nil && *p.BatchCount < minCount || p.BatchDelta != nil && *p.BatchDelta <= 0 {
		every, count = 0, 0 // full with the first notice
	}
	if every > 0 && float64(every/time.Second) != math.Trunc(*p.BatchDelta) {
		m.notes = append(m.notes, Note{What: what + ", batch_delta", Reason: fmt.Sprintf(
			"a digest waits between a minute and seven days; this one now waits %v instead of %g seconds", every,
			*p.BatchDelta)})
	}
	if asked && float64(count) < value(p.BatchCount) && count > 0 {
		m.notes = append(m.notes,
			Note{What: what + ", batch_count", Reason: fmt.Sprintf("a digest has at most %d notices", maxCount)})
	}
	if every == 0 && count == 0 {
		return // at once, as every destination is that says nothing
	}
	for _, address := range to {
		m.destination(rulespec.FileDestination{To: address, Every: every, Count: count})
	}
}

// destination keeps a destination; of one that comes twice the first stays, as FMN had each address once.
func (m *importer) destination(d rulespec.FileDestination) {
	for _, known := range m.file.Destinations {
		if known.To == d.To {
			return
		}
	}
	m.file.Destinations = append(m.file.Destinations, d)
}

func seconds(delta *float64) time.Duration {
	if delta == nil || *delta <= 0 {
		return 0
	}
	every := time.Duration(math.Min(*delta, maxEvery.Seconds())) * time.Second
	return max(every, minEvery)
}

func value(f *float64) float64 {
	if f == nil {
		return 0
	}
	return *f
}
