package holes

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/text"
)

const (
	placesKept   = 30 * 24 * time.Hour // of a source or publisher that is not heard any more
	placesPruned = time.Hour
	holesSaid    = time.Minute // the time in which a source has at most maxHolesSaid lines of the log
	maxHolesSaid = 10
)

// A saidHoles is what the log says of the holes of a source: what is too much for it is summed up.
type saidHoles struct {
	since           time.Time // the begin of the minute
	lines           int       // in this minute
	holes, messages int64     // that no line has named
}

// say logs the hole that a message shows.
func (h *Tracker) say(by *sighting, of *place) {
	source, hole := by.source, by.found
	if now := h.Now(); now.Sub(of.said.since) >= holesSaid {
		h.sayRestOf(source, of)
		of.said = saidHoles{since: now}
	}
	if of.said.lines == maxHolesSaid {
		of.said.holes++
		of.said.messages += hole.Missing
		return
	}
	of.said.lines++
	h.Log.Warn(fmt.Sprintf("%d messages missing since %s from %s", hole.Missing, hole.Since.Format(time.TimeOnly),
		publisher(hole, by.signer)),
		"source", source, "first", hole.First, "last", hole.Last, "since", hole.Since, "until", hole.Until)
}

// publisher says whose messages are missing, with the name in the certificate: its digest alone tells nobody.
func publisher(hole *bus.Hole, signer string) string {
	if signer == "" || !strings.HasPrefix(hole.Publisher, "certificate ") {
		return hole.Publisher
	}
	return text.CutBytes(signer, 100) + ", " + hole.Publisher
}

// sayRest logs the sums of sources whose minute is over, or of all.
func (h *Tracker) sayRest(all bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for source, of := range h.sources {
		if all || h.Now().Sub(of.said.since) >= holesSaid {
			h.sayRestOf(source, of)
		}
	}
}

func (h *Tracker) sayRestOf(source string, of *place) {
	if of.said.holes == 0 {
		return
	}
	h.Log.Warn(fmt.Sprintf("%d more messages missing in %d holes since %s", of.said.messages, of.said.holes,
		of.said.since.Format(time.TimeOnly)), "source", source)
	of.said.holes, of.said.messages = 0, 0
}

// Run logs what was too much for the log, and forgets sources and publishers that are gone, until ctx ends.
func (h *Tracker) Run(ctx context.Context) error {
	say, prune := time.NewTicker(holesSaid/6), time.NewTicker(placesPruned)
	defer say.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			h.sayRest(true)
			return nil
		case <-say.C:
			h.sayRest(false)
		case <-prune.C:
			if err := h.Store.ForgetPlaces(ctx, h.Now().Add(-placesKept)); err != nil && ctx.Err() == nil {
				h.Log.Error("cannot forget old positions", "error", err)
			}
		}
	}
}
