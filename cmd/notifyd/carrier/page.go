package carrier

import (
	"context"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
)

// Reasons for which a message is not handed on.
const (
	skippedTopic   = "topic"     // not among those that are wanted
	skippedSource  = "source"    // it comes from where the bridge leads to
	skippedMarked  = "unproved"  // the policy has marked it
	skippedLate    = "late"      // it came to fill a hole
	skippedRefuted = "refuted"   // a proved message has its id
	skippedBridged = "bridged"   // a bridge from there has brought it here
	skippedSeen    = "seen"      // it was in this database before, or in too many
	skippedOdd     = "malformed" // an older version has stored it, and it cannot be read any more
)

// A skip is a message of a page that is not handed on.
type skip struct {
	id     int64
	reason string
}

// countSkips counts what was left out up to the bookmark: what is behind it is looked at again.
func (c *Carrier) countSkips() {
	for _, s := range c.skips {
		if s.id <= c.position {
			c.counts.skip(s.reason)
		}
	}
}

// page reads the first of what heads announce, within the bounds. It gives the loads and their ids, and where the page
// ends.
func (c *Carrier) page(ctx context.Context, heads []history.Heading) (
	loads []bus.Load, at []int64, end int64, err error) {
	c.skips = c.skips[:0]
	var wanted []int64
	bytes := int64(0)
	for _, h := range heads {
		reason := c.unwanted(h)
		if reason == "" {
			if bytes += h.Size; len(wanted) == mostLoads || len(wanted) > 0 && bytes > mostBytes {
				break
			}
			wanted = append(wanted, h.ID)
		} else {
			c.skips = append(c.skips, skip{h.ID, reason})
		}
		end = h.ID
	}
	records, err := c.History.Records(ctx, wanted)
	if err != nil {
		return nil, nil, 0, err
	}
	for _, r := range records {
		load, reason := c.load(r)
		if reason != "" {
			c.skips = append(c.skips, skip{r.ID, reason})
			continue
		}
		loads, at = append(loads, load), append(at, r.ID)
	}
	return loads, at, end, nil
}

// unwanted says by the heading why a message is not handed on; "": it is, as far as that goes.
func (c *Carrier) unwanted(h history.Heading) string {
	choice := c.Open.Choice
	switch {
	case c.notFrom[h.Source], c.May != nil && !c.May(h.Source):
		return skippedSource
	case h.Refuted:
		return skippedRefuted
	case h.Marked && !choice.Unproved:
		return skippedMarked
	case h.Late && choice.LiveOnly:
		return skippedLate
	case len(c.topics) == 0:
		return ""
	}
	words := strings.Split(h.Topic, ".")
	for _, t := range c.topics {
		if bus.MatchTopic(t, words) {
			return ""
		}
	}
	return skippedTopic
}

// load makes what the bridge gets of a stored message.
func (c *Carrier) load(r history.Record) (bus.Load, string) {
	m, err := r.Message()
	if err != nil {
		return bus.Load{}, skippedOdd
	}
	via := m.Via()
	switch {
	case c.Open.Choice.NotBridged && m.Bridged():
		return bus.Load{}, skippedBridged
	case len(via) >= bus.MaxVia:
		return bus.Load{}, skippedSeen
	}
	for _, database := range via {
		if database == c.Database {
			return bus.Load{}, skippedSeen
		}
	}
	e := c.Describe(m)
	id := r.MsgID
	if r.ClaimedID != "" {
		id = r.ClaimedID
	}
	return bus.Load{
		Message: m, ID: id, Severity: e.Severity.String(), Users: e.Users, Packages: e.Packages, Groups: e.Groups,
		Via: append(via, c.Database),
	}, ""
}
