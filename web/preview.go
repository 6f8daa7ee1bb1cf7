package web

import (
	"context"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// The bounds on a preview's work: whichever is reached first ends it, and the page says how far it came.
const (
	previewDays = 7
	previewMost = 20_000 // messages
	previewTime = 1500 * time.Millisecond
	previewPage = 500 // messages read at a time
	previewHits = 10  // shown
	previewRuns = 4   // at the same time, of all visitors
)

// previewView is what a filter would have matched.
type previewView struct {
	Problem string // instead of all else: why there is nothing to show
	Trouble string // why the filter cannot match as things stand
	Matched int
	Scope   string // how much was searched
	Hits    []hitView
	More    bool
}

type hitView struct {
	Summary, Page, Stamp, When string
	Verdicts                   []verdictLine
}

// preview tries a filter on the messages of the last days, with the engine that delivers.
func (v *visit) preview(ctx context.Context, f rulespec.Filter) (previewView, error) {
	f.ID, f.Owner = 1, v.user.Name
	if problem := unfit(f); problem != "" {
		return previewView{Problem: problem}, nil
	}
	m, broken := rules.CompileIn(v.env(), []rulespec.Filter{f})
	if len(broken) > 0 {
		return previewView{Problem: "No preview yet: " + userText(broken[0].Err)}, nil
	}
	select {
	case v.previews <- struct{}{}:
		defer func() { <-v.previews }()
	case <-time.After(previewTime):
		return previewView{Problem: "Many previews are being made right now. Try again in a moment."}, nil
	case <-ctx.Done():
		return previewView{}, ctx.Err()
	}
	var p previewView
	dir := v.Directory()
	if missing := rulespec.Missing(rulespec.Filter{Rules: f.Rules}, dir); len(missing) > 0 {
		p.Trouble = "As it stands this matches nothing. " + userText(missing[0])
	}
	since := v.Now().Add(-previewDays * 24 * time.Hour)
	seen, err := v.scan(ctx, since, func(e *catalogue.Event) {
		if len(m.Match(e, dir)) == 0 {
			return
		}
		p.Matched++
		if p.Matched > previewHits {
			p.More = true
			return
		}
		x, _ := m.Explain(e, dir, f.ID)
		p.Hits = append(p.Hits, v.hit(e, x))
	})
	if err != nil {
		return previewView{}, err
	}
	p.Scope = seen.words(v)
	return p, nil
}

func (v *visit) hit(e *catalogue.Event, x rules.Explanation) hitView {
	h := hitView{Summary: summary(e), Page: messagePage(e.ID), Verdicts: v.verdicts(x.Rules)}
	h.Stamp, h.When = v.moment(e.Time)
	return h
}

// summary gives an event's sentence; one that has none is named by its topic.
func summary(e *catalogue.Event) string {
	if s := e.Prose().Summary; s != "" {
		return s
	}
	return e.Topic
}

// A search is how far a scan of the history came.
type search struct {
	messages int
	oldest   time.Time // of the messages looked at
	since    time.Time
	complete bool // everything since since was looked at
}

func (s search) words(v *visit) string {
	switch {
	case s.messages == 0:
		return fmt.Sprintf("No message came in the last %d days.", previewDays)
	case s.complete:
		return fmt.Sprintf("Searched all %s of the last %d days.", plural(s.messages, "message"), previewDays)
	}
	return fmt.Sprintf("Searched %s back to %s; there was no time to look further.", plural(s.messages, "message"), ago(s.oldest, v.Now(), v.zone))
}

// scan goes back through the history, newest first, within the bounds above. A message that can no longer be decoded
// is left out.
func (v *visit) scan(ctx context.Context, since time.Time, visit func(*catalogue.Event)) (search, error) {
	s := search{since: since}
	ctx, cancel := context.WithTimeout(ctx, previewTime)
	defer cancel()
	q := history.Query{Since: since, Limit: previewPage}
	for s.messages < previewMost {
		page, err := v.History.Search(ctx, q)
		if ctx.Err() != nil {
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("search history: %w", err)
		}
		for _, r := range page.Records {
			if ctx.Err() != nil {
				return s, nil
			}
			s.messages++
			s.oldest = r.Time
			if e, err := v.event(r); err == nil {
				visit(e)
			}
		}
		if q.Before = page.Next; q.Before == 0 {
			s.complete = true
			return s, nil
		}
	}
	return s, nil
}

// event decodes a stored message again and says what it means, as the route of a new one does.
func (v *visit) event(r history.Record) (*catalogue.Event, error) {
	m, err := bus.Decode(r.Frame(), r.Received)
	if err != nil {
		return nil, err
	}
	return v.Describe(m), nil
}
