package directories

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/internal/metric"
)

// A Status is how a source is.
type Status struct {
	Name    string           `json:"name"`
	Fetched time.Time        `json:"fetched"` // when what is known was true; the zero Time: nothing is known yet
	Tried   time.Time        `json:"tried"`
	Problem string           `json:"problem,omitempty"` // of the last attempt
	Every   time.Duration    `json:"every"`             // 0 of the file, which is looked at all the time
	Counts  directory.Counts `json:"counts"`
	Notes   []string         `json:"notes,omitempty"`
}

// Status returns how each source is, in the order of precedence. A nil Directories has none.
func (d *Directories) Status() []Status {
	if d == nil {
		return nil
	}
	var all []Status
	if f := d.file.Load(); f != nil {
		s := Status{Name: fileName, Fetched: d.Now(), Tried: d.Now(), Counts: f.Counts()}
		if err := d.file.Err(); err != nil {
			s.Problem = err.Error()
		}
		all = append(all, s)
	}
	for _, e := range d.sources {
		k := e.load()
		s := Status{Name: e.name, Fetched: k.fetched, Tried: k.tried, Problem: k.problem, Every: e.Every,
			Counts: k.facts.Counts()}
		if k.facts != nil {
			s.Notes = k.facts.Notes
		}
		all = append(all, s)
	}
	d.mu.Lock()
	place := d.policy.place
	d.mu.Unlock()
	slices.SortStableFunc(all, func(a, b Status) int { return cmp.Compare(place(a.Name), place(b.Name)) })
	return all
}

// Warnings returns in words what is wrong with sources.
func (d *Directories) Warnings() []string {
	var all []string
	for _, s := range d.Status() {
		switch {
		case s.Problem != "" && s.Fetched.IsZero():
			all = append(all, fmt.Sprintf("directory source %s: nothing is known of it, and what depends on it matches "+
				"nothing: %s", s.Name, s.Problem))
		case s.Problem != "":
			all = append(all, fmt.Sprintf("directory source %s: what it said at %s is in use: %s", s.Name,
				s.Fetched.UTC().Format(time.RFC3339), s.Problem))
		}
	}
	return all
}

var (
	ageDesc = &metric.Desc{Name: "notifyd_directory_age_seconds",
		Help: "How long ago a source of the directory was asked for what is in use.", Labels: []string{"source"}}
	failedDesc = &metric.Desc{Name: "notifyd_directory_failed",
		Help: "1 where the last attempt to use a source of the directory failed or was refused.", Labels: []string{"source"}}
	entriesDesc = &metric.Desc{Name: "notifyd_directory_entries", Help: "What a source of the directory knows.",
		Labels: []string{"source", "part"}}
)

// Collect emits how the sources are. A nil Directories has nothing to emit.
func (d *Directories) Collect(emit metric.Emit) {
	for _, s := range d.Status() {
		emit(failedDesc, metric.Bool(s.Problem != ""), s.Name)
		if !s.Fetched.IsZero() {
			emit(ageDesc, max(d.Now().Sub(s.Fetched), 0).Seconds(), s.Name)
		}
		for part, n := range map[string]int{"people": s.Counts.People, "groups": s.Counts.Groups,
			"packages": s.Counts.Packages, "accounts": s.Counts.Accounts} {
			if n >= 0 {
				emit(entriesDesc, float64(n), s.Name, part)
			}
		}
	}
}
