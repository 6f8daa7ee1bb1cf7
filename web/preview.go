package web

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rules/scan"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web/visit"
)

// The bounds on a preview's work. The first one that is reached ends it, and the page shows how far it came.
const (
	previewDays = 30
	previewMost = 2_000_000 // messages looked at
	previewTime = 1600 * time.Millisecond
	previewLate = 400 * time.Millisecond // then a statement that still runs is cancelled
	previewHits = 10                     // shown
	// previewRuns is how many run at the same time, for all users: SQLite has four reading connections, and pages need
	// some.
	previewRuns = 2
)

// previewView is the messages that a filter would have matched.
type previewView struct {
	Problem string // why there is nothing to show; the other fields are empty then
	Trouble string // why the filter cannot match now
	Matched int
	Count   string // Matched, formatted
	Scope   string // how much was searched
	Later   bool   // newer messages were searched before
	Days    *daysView
	Hits    []hitView
	Next    string // the cursor of the button for older messages; "": there is none
	More    bool   // Next leads to matches that were counted, not to messages that were not searched
}

type hitView struct {
	Summary, Warning, Page, Stamp, When string
	Rules                               []ruleOutcome
}

// preview evaluates a draft on the messages of the last days, with the predicates that delivery uses.
func (req *request) preview(ctx context.Context, d draft) (previewView, error) {
	f := d.filter.Filter
	f.ID, f.Owner = 1, req.me()
	if problem := unfit(f); problem != "" {
		return previewView{Problem: problem}, nil
	}
	if f.Owner == "" && rulespec.SaysMe(f.Rules) {
		return previewView{Problem: "No preview: it says @me, and your name on the bus is not proved, so it matches nothing. " +
			"The page Settings says how to get it proved."}, nil
	}
	dir := req.Directory()
	filter, err := scan.New(req.env(), dir, f)
	if err != nil {
		return previewView{Problem: "No preview yet: " + userText(err)}, nil
	}
	p := previewView{Later: d.before != history.Cursor{}}
	if missing := rulespec.Missing(rulespec.Filter{Rules: f.Rules}, dir); len(missing) > 0 {
		p.Trouble = "As it stands this matches nothing. " + userText(missing[0])
	}
	query := req.query(filter, d.before)
	found, free, err := req.scan(ctx, query)
	if err != nil {
		return previewView{}, err
	}
	if !free {
		return previewView{Problem: "Many previews are being made right now. Try again in a moment."}, nil
	}
	p.Matched, p.Count, p.More = found.Matched, text.Number(found.Matched), found.Matched > len(found.Hits)
	p.Scope, p.Next = req.scope(query, found), cursorText(found.Next)
	if found.Matched > 0 {
		p.Days = req.daysOf(query, found)
	}
	for _, h := range found.Hits {
		p.Hits = append(p.Hits, req.hit(h, rules.Explain(req.env(), h.Event, dir, f)))
	}
	return p, nil
}

// query makes the scan of the last days for a filter.
func (req *request) query(filter history.Filter, before history.Cursor) history.ScanQuery {
	days := req.lastDays(before)
	return history.ScanQuery{
		Filter: filter, Since: days[0], Days: days, Before: before, Describe: req.Describe, Among: req.seen(),
		Hits: previewHits, Most: req.previewMost,
	}
}

// scan searches within the time of a preview. It holds one of previewRuns tokens; free is false when none became free.
func (req *request) scan(ctx context.Context, q history.ScanQuery) (found history.ScanResult, free bool, err error) {
	within, cancel := context.WithTimeout(ctx, previewTime+previewLate)
	defer cancel()
	q.Until = req.Now().Add(previewTime)
	select {
	case req.previews <- struct{}{}:
		defer func() { <-req.previews }()
	case <-within.Done():
		return found, false, ctx.Err()
	}
	found, err = req.History.Scan(within, q)
	if err != nil {
		return found, false, fmt.Errorf("search history: %w", err)
	}
	return found, true, nil
}

func (req *request) hit(h history.Hit, x rules.Explanation) hitView {
	view := hitView{Summary: h.Summary, Page: messagePage(h.MsgID), Rules: req.ruleOutcomes(x.Rules)}
	if view.Summary == "" {
		view.Summary = h.Topic
	}
	view.Warning, _ = prefs.Warning(h.Standing)
	view.Stamp, view.When = req.moment(h.Time)
	return view
}

// scope returns in words how much was searched, and back to when.
func (req *request) scope(q history.ScanQuery, found history.ScanResult) string {
	if found.Empty {
		return "No message has come yet."
	}
	from := ""
	if q.Before != (history.Cursor{}) {
		from = " from " + req.clock(time.UnixMicro(q.Before.SentAt))
	}
	words := "Searched " + text.NumberOf(found.Looked, "message", "messages") + from + " back to " +
		req.clock(found.Reached)
	switch {
	case !found.End && req.previewMost > 0 && found.Looked >= req.previewMost:
		return words + "; one search looks at no more."
	case !found.End:
		return words + "; there was no time to look further."
	case found.ByKeys:
		return words + ": by their names, no others can match."
	case found.Reached.After(q.Since):
		return words + ": all that are kept."
	}
	return words + fmt.Sprintf(": all of the last %d days.", previewDays)
}

// clock formats a moment in the past with its day and time.
func (req *request) clock(t time.Time) string {
	return strings.TrimPrefix(visit.DayAndTime(t, req.Now(), req.zone), "on ")
}

// cursorText and cursorOf write and read a cursor, for the value of a button. Any other text means the newest message.
func cursorText(c history.Cursor) string {
	if c == (history.Cursor{}) {
		return ""
	}
	return strconv.FormatInt(c.SentAt, 10) + "-" + strconv.FormatInt(c.ID, 10)
}

func cursorOf(text string) history.Cursor {
	at, id, _ := strings.Cut(text, "-")
	var c history.Cursor
	var wrong [2]error
	c.SentAt, wrong[0] = strconv.ParseInt(at, 10, 64)
	c.ID, wrong[1] = strconv.ParseInt(id, 10, 64)
	if wrong[0] != nil || wrong[1] != nil || c.SentAt < 0 || c.ID < 0 {
		return history.Cursor{}
	}
	return c
}

// summary returns an event's sentence, or its topic when it has none.
func summary(e *catalogue.Event) string {
	if s := e.Prose().Summary; s != "" {
		return s
	}
	return e.Topic
}
