package report

import (
	"fmt"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// A view is a Result as templates see it: words for everything, and the numbers beside.
type view struct {
	Name, Title, About string
	From, To           string // the first and the last day or moment
	Zone               string
	Period             string // both, in one phrase
	Messages           int
	Counted            string // "1,234 messages"
	Change             string // "12 % more than in the week before (1,100)"; "" where it is not known
	Notes              []string
	Sections           []sectionView
}

type sectionView struct {
	ID              int // its number, from 1
	Title, About    string
	Messages        int
	Counted, Change string
	Label           string
	Columns         []string
	Compared, Span  bool
	Counts          bool // the numbers of messages stand beside the groups
	Rows            []rowView
	Others          string // "and 12 others"; "" where all are shown
	Items           []itemView
	Grouped, Listed bool
}

type rowView struct {
	Name, Link    string
	Messages      int
	Count, Change string // "1,234", "+12 %"
	First, Last   string
	Cells         []cellView
}

type cellView struct{ Column, Words string }

// String gives the words alone, which is what a template shows of a cell.
func (c cellView) String() string { return c.Words }

type itemView struct{ Time, Stamp, Text, Link string }

// view puts a result into words.
func (r *Result) view() view {
	v := view{Name: r.Name, Title: r.Title, About: r.About, Zone: r.Zone, Messages: r.Counted,
		Counted: messages(r.Counted)}
	v.From, v.To = r.period()
	v.Period = v.From + " to " + v.To
	if v.From == v.To {
		v.Period = v.From
	}
	v.Period += " (" + v.Zone + ")"
	if r.Compared {
		v.Change = r.changeOf(r.Counted, r.Before)
	}
	v.Notes = r.notes()
	for i, s := range r.Sections {
		v.Sections = append(v.Sections, r.sectionView(i+1, s))
	}
	return v
}

// period gives the first and the last day of whole days, and the moments of any other time.
func (r *Result) period() (from, to string) {
	since, until := r.Since.In(r.zone), r.Until.In(r.zone)
	whole := func(t time.Time) bool { return Window{Days: 1}.Start(t, r.zone).Equal(t) }
	if whole(since) && whole(until) {
		const day = "Mon 2 Jan 2006"
		return since.Format(day), until.Add(-time.Second).Format(day)
	}
	const moment = "Mon 2 Jan 2006 15:04"
	return since.Format(moment), until.Format(moment)
}

// notes are what a reader must know to believe the numbers.
func (r *Result) notes() (notes []string) {
	if !r.Finished {
		notes = append(notes, "This time is not over: counted until "+r.Made.In(r.zone).Format("Mon 2 Jan 15:04")+".")
	}
	if !r.Begins.IsZero() {
		notes = append(notes, "The history begins on "+r.Begins.In(r.zone).Format("Mon 2 Jan 2006 15:04")+
			"; what was before is not counted.")
	} else if r.empty {
		notes = append(notes, "The history is empty.")
	}
	if r.Cut {
		notes = append(notes, "There were more messages than a report reads: the newest were counted.")
	}
	if r.Marked > 0 {
		senders := "whose senders are"
		if r.Marked == 1 {
			senders = "whose sender is"
		}
		notes = append(notes, "Not counted: "+messages(r.Marked)+" "+senders+" not proved.")
	}
	return notes
}

func (r *Result) sectionView(id int, s Section) sectionView {
	v := sectionView{ID: id, Title: s.Title, About: s.About, Messages: s.Total, Counted: messages(s.Total), Label: s.Label,
		Columns: s.Columns, Compared: r.Compared && !s.uncounted, Span: s.Span, Counts: !s.uncounted, Grouped: s.grouped,
		Listed: s.listed}
	if r.Compared && !s.uncounted {
		v.Change = r.changeOf(s.Total, s.Before)
	}
	switch {
	case s.Total == 0 && v.Change == "":
		v.Counted = "None"
	case s.uncounted:
		v.Counted = ""
	}
	for _, row := range s.Rows {
		rv := rowView{Name: row.Name, Link: row.Link, Messages: row.Count, Count: text.Number(row.Count),
			First: r.moment(row.First), Last: r.moment(row.Last)}
		if s.Inexact {
			rv.Count = "at least " + rv.Count
		}
		if r.Compared && !s.vague {
			rv.Change = change(row.Count, row.Before)
		}
		for i, c := range row.Cells {
			rv.Cells = append(rv.Cells, cellView{s.Columns[i], c.words()})
		}
		v.Rows = append(v.Rows, rv)
	}
	switch others := s.Groups - len(s.Rows); {
	case s.Inexact:
		v.Others = fmt.Sprintf("and others: there were more than %s, so the smallest were not kept", text.Number(s.Groups))
	case others > 0:
		v.Others = "and " + text.NumberOf(others, "other", "others")
	}
	for _, i := range s.Items {
		v.Items = append(v.Items, itemView{r.moment(i.Time), i.Time.Format(time.RFC3339), i.Text, i.Link})
	}
	return v
}

func (r *Result) moment(t time.Time) string { return t.In(r.zone).Format("2006-01-02 15:04") }

// words gives the values of a cell: "bash (3), zsh and 2 more".
func (c Cell) words() string {
	words := make([]string, 0, len(c.Values)+1)
	for _, v := range c.Values {
		name := v.Name
		if c.Counts {
			name += " (" + text.Number(v.Count) + ")"
		}
		words = append(words, name)
	}
	switch {
	case c.More > 0 && c.unkept:
		words = append(words, "at least "+text.Number(c.More)+" more")
	case c.More > 0:
		words = append(words, text.Number(c.More)+" more")
	}
	return text.Series(words, "and")
}

// changeOf says how much more or less it was than in the window before.
func (r *Result) changeOf(now, before int) string {
	window := "time before"
	if r.report != nil && r.report.Window.Next(r.Since, 1, r.zone).Equal(r.Until) {
		window = r.report.Window.Words() + " before"
	}
	if !r.Finished {
		window = "same part of the " + window
	}
	c := change(now, before)
	if c == "" {
		return ""
	}
	if c == "new" {
		return "none in the " + window
	}
	return fmt.Sprintf("%s on the %s (%s)", c, window, text.Number(before))
}

// change gives a change in per cent, "new" from nothing, and "" where both are nothing.
func change(now, before int) string {
	switch {
	case before == 0 && now == 0:
		return ""
	case before == 0:
		return "new"
	}
	percent := (now - before) * 100
	if percent >= 0 {
		percent += before / 2
	} else {
		percent -= before / 2
	}
	percent /= before
	switch {
	case now == before:
		return "±0 %"
	case percent >= 0:
		return "+" + text.Number(percent) + " %"
	}
	return "−" + text.Number(-percent) + " %"
}

func messages(n int) string { return text.NumberOf(n, "message", "messages") }

// sample is what a template is tried with when it is read.
func sample() view {
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	row := Row{Key: "bash", Name: "bash", Link: "https://example.org/bash", Count: 2, Before: 1, First: at, Last: at,
		Cells: []Cell{{Values: []Value{{"alice", 2}}}}}
	r := &Result{Name: "sample", Title: "Sample", Since: at, Until: at.AddDate(0, 0, 7), Made: at, Compared: true,
		Zone: "UTC", zone: time.UTC, Counted: 2, Before: 1, Marked: 1, Sections: []Section{{Title: "Section", Total: 2,
			Label: "Package", Columns: []string{"Who"}, Rows: []Row{row}, Groups: 2, grouped: true, listed: true,
			Items: []Item{{ID: "1", Time: at, Text: "alice built bash", Link: "https://example.org/1"}}}}}
	return r.view()
}
