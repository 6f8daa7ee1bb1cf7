package web

import (
	"fmt"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/text"
)

// daysView is the number of matches on each day, as bars and as a table.
type daysView struct {
	Label       string // the bars in words, for screen readers
	First, Last string // the days at their ends
	Unknown     string // the meaning of a grey bar; "": none is grey
	Width       int    // of the drawing; it is barsHeight high
	Bars        []barView
	Rows        []dayRow // the newest first
}

type barView struct {
	X, Y, Height int
	Unknown      bool // the day was not searched
}

type dayRow struct{ Day, Count, Note string }

// The measures of the drawing, in its own units.
const (
	barsHeight = 48
	barWidth   = 8
	barPitch   = 10
)

// lastDays returns the beginnings of the days that a preview searches, up to today or to the day of before.
func (req *request) lastDays(before history.Cursor) []time.Time {
	today := req.Now().In(req.zone)
	last := today
	if before != (history.Cursor{}) {
		last = time.UnixMicro(before.SentAt).In(req.zone)
	}
	var days []time.Time
	for ago := previewDays - 1; ago >= 0; ago-- {
		day := time.Date(today.Year(), today.Month(), today.Day()-ago, 0, 0, 0, 0, req.zone)
		if len(days) == 0 || !day.After(last) {
			days = append(days, day)
		}
	}
	return days
}

// daysOf makes the view of a search's counts, and marks the days that were not searched, or only in part.
func (req *request) daysOf(q history.ScanQuery, found history.ScanResult) *daysView {
	most, mostAt := 1, 0
	for i, n := range found.PerDay {
		if n >= most {
			most, mostAt = n, i
		}
	}
	name := func(i int) string { return q.Days[i].In(req.zone).Format("2 January") }
	d := &daysView{First: name(0), Last: name(len(q.Days) - 1), Width: barPitch*len(q.Days) - (barPitch - barWidth)}
	d.Label = fmt.Sprintf("Matches a day from %s to %s, at most %s, on %s", d.First, d.Last, text.Number(most),
		name(mostAt))
	for i, n := range found.PerDay {
		note, unknown := req.dayNote(q, found, i)
		bar := barView{X: i * barPitch, Unknown: unknown}
		if bar.Unknown && d.Unknown == "" {
			d.Unknown = note
		}
		if bar.Height = barsHeight; !bar.Unknown {
			bar.Height = (n*barsHeight + most - 1) / most
			if n > 0 {
				bar.Height = max(2, bar.Height)
			}
		}
		bar.Y = barsHeight - bar.Height
		d.Bars = append(d.Bars, bar)
		row := dayRow{Day: q.Days[i].In(req.zone).Format("Monday 2 January"), Count: text.Number(n), Note: note}
		if unknown {
			row.Count = "?"
		}
		d.Rows = append([]dayRow{row}, d.Rows...)
	}
	return d
}

// dayNote returns which part of a day was searched; unknown: none was.
func (req *request) dayNote(q history.ScanQuery, found history.ScanResult, i int) (note string, unknown bool) {
	next := req.Now()
	if i+1 < len(q.Days) {
		next = q.Days[i+1]
	}
	why := "searched"
	if found.End {
		why = "kept"
	}
	switch {
	case !found.Reached.Before(next):
		return "not " + why, true
	case found.Reached.After(q.Days[i]):
		return why + " from " + found.Reached.In(req.zone).Format("15:04"), false
	}
	if q.Before != (history.Cursor{}) && i == len(q.Days)-1 {
		return "up to " + time.UnixMicro(q.Before.SentAt).In(req.zone).Format("15:04"), false
	}
	return "", false
}
