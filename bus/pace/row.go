package pace

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Row is what is stored of a Subject.
type Row struct {
	Subject
	Last   time.Time
	Silent time.Time // when it was heard last, where it is silent; else zero
	Lost   bool
	Record string // as record.text writes it
}

// Rows gives what is to be stored: what has changed since the last Saved, or all; and what is forgotten since then.
func (w *Watch) Rows(all bool) (rows []Row, gone []Subject) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.subjects {
		if all || s.unsaved {
			rows = append(rows, Row{s.Subject, s.last, s.silent, s.lost, s.text()})
		}
	}
	for _, of := range w.gone {
		if w.subjects[of] == nil {
			gone = append(gone, of)
		}
	}
	return rows, gone
}

// Saved notes that what Rows gave is stored, but for some.
func (w *Watch) Saved(but map[Subject]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for of, s := range w.subjects {
		s.unsaved = s.unsaved && but[of]
	}
	w.gone = nil
}

// Restore takes rows back, in place of all that is known. It listens anew from the next Tick on. A row that cannot be
// read is left out, and named in the error.
func (w *Watch) Restore(rows []Row) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subjects, w.services, w.gone, w.last, w.listened = map[Subject]*subject{}, 0, nil, time.Time{}, 0
	var errs []error
	for _, row := range rows {
		r, err := parseRecord(row.Record)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", row.Subject, err))
			continue
		}
		s := w.subject(row.Subject, row.Last)
		if s == nil {
			continue
		}
		s.record, s.last, s.silent, s.lost = r, row.Last, row.Silent, row.Lost
		s.wasUp = row.Subject.What == Endpoint && !row.Last.IsZero()
	}
	return errors.Join(errs...)
}

// text writes a record: the newest hour, its messages, the longest silence of each week or - where none was measured,
// and for each hour two characters, the oldest first: the minutes and the size, or "--" for an unknown one. Unknown
// ones at the begin are left out.
func (r *record) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d", r.hour, r.now)
	for i, tried := range r.tried {
		if tried {
			fmt.Fprintf(&b, " %.2f", r.longest[i])
		} else {
			b.WriteString(" -")
		}
	}
	b.WriteByte(' ')
	begun := false
	for h := r.hour - kept + 1; h <= r.hour; h++ {
		c := r.cells[ring(h)]
		if begun = begun || c.minutes != unknown; !begun {
			continue
		}
		if c.minutes == unknown {
			b.WriteString("--")
		} else {
			b.WriteByte('0' + byte(c.minutes))
			b.WriteByte('0' + byte(c.size))
		}
	}
	return b.String()
}

// mostHour bounds the hours of a record that is read: the year 6000.
const mostHour = 40_000_000

// parseRecord reads what text has written.
func parseRecord(text string) (*record, error) {
	fields := strings.Split(text, " ")
	if len(fields) != weeks+4 {
		return nil, errors.New("the record has not all parts")
	}
	hour, err := strconv.ParseInt(fields[0], 10, 64)
	now, err2 := strconv.Atoi(fields[1])
	if err != nil || err2 != nil || hour < 0 || hour > mostHour || now < 0 {
		return nil, errors.New("the record does not begin with an hour")
	}
	r := newRecord(hour)
	r.now = now
	for i := range r.longest {
		if word := fields[2+i]; word != "-" {
			r.longest[i], err = strconv.ParseFloat(word, 64)
			if err != nil || math.IsNaN(r.longest[i]) || r.longest[i] < 0 || r.longest[i] > 60*kept {
				return nil, fmt.Errorf("the record has the silence %q", word)
			}
			r.tried[i] = true
		}
	}
	cells := fields[weeks+3]
	if len(cells) > 2*kept || len(cells)%2 != 0 {
		return nil, errors.New("the record has too many hours")
	}
	for i := 0; i < len(cells); i += 2 {
		c := cell{int8(cells[i]) - '0', int8(cells[i+1]) - '0'}
		if cells[i:i+2] == "--" {
			c = cell{minutes: unknown}
		} else if cells[i] > 'z' || cells[i+1] > 'z' || c.minutes < 0 || c.minutes > 60 || c.size < 0 || c.size > maxSize {
			return nil, fmt.Errorf("the record has the hour %q", cells[i:i+2])
		}
		r.cells[ring(hour-int64((len(cells)-i)/2)+1)] = c
	}
	return r, nil
}
