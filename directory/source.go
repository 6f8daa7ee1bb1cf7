package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Source is one place that facts come from. What it promises is what directorytest holds against every source:
//
//   - It is bounded: in bytes, in requests, in time, in what it stores of an answer.
//   - Fetch returns soon after ctx ends.
//   - Facts are whole or not there. What was read in part, is out of bounds or does not make sense is an error, and
//     never Facts with less in them: who calls keeps the last good ones.
//   - Nothing that a server sends makes it panic. No secret stands in an error or in a note.
type Source interface {
	// Fetch returns what the source knows now. last is what it returned before, with its Mark, also before a restart;
	// nil the first time. Where nothing has changed since then, Fetch returns last itself.
	Fetch(ctx context.Context, last *Facts) (*Facts, error)
}

// A Config is a source that a driver has opened, with what is configured for all kinds of source.
type Config struct {
	Source
	// Every is how often to fetch.
	Every time.Duration
	// Within is how long one Fetch may take.
	Within time.Duration
	// Shrink is the least share of the last good value that the next one may have, in each part: 0.7 refuses what has
	// less than 70 %. 0: every value is taken.
	Shrink float64
}

// A Driver opens the sources of one kind, as the drivers of database/sql do for databases. directory/all lists them.
type Driver struct {
	Name string // in the configuration: "http" of directory.http
	Doc  string // one or two sentences
	// Open makes the sources by the names that the configuration gives them, and starts nothing. decode fills a value
	// with the section of the configuration, strictly, and calls its method SetDefaults where it has one; Open returns
	// the error of decode as it is. Any other error begins with the key that is wrong, and says what was expected there.
	Open func(decode func(any) error, log *slog.Logger) (map[string]Config, error)
}

// ErrGone is wrapped by the error of a Fetch when the server says that what is asked for is not there (404, 410). It
// is a failure like others: nobody is locked and nothing is empty because of it.
var ErrGone = errors.New("what was asked for is not there")

// A Pace is what every kind of source that asks a server has in its configuration.
type Pace struct {
	Every   time.Duration
	Within  time.Duration
	AtLeast int // percent of the last good value
}

// Check returns what is wrong, behind its key: every is at least least, and within at most most.
func (p Pace) Check(least, most time.Duration) error {
	switch {
	case p.Every < least || p.Every > 7*24*time.Hour:
		return fmt.Errorf("every: %s; between %s and 168h was expected", p.Every, short(least))
	case p.Within < time.Second || p.Within > most:
		return fmt.Errorf("within: %s; between 1s and %s was expected", p.Within, short(most))
	case p.AtLeast < 1 || p.AtLeast > 100:
		return fmt.Errorf("at_least: %d; between 1 and 100 percent was expected", p.AtLeast)
	}
	return nil
}

// short writes a time of one unit without the others: 1h, and not 1h0m0s.
func short(d time.Duration) string {
	text := d.String()
	for _, rest := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, rest) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// Of returns the configuration of a source that is fetched at the pace.
func (p Pace) Of(s Source) Config {
	return Config{Source: s, Every: p.Every, Within: p.Within, Shrink: float64(p.AtLeast) / 100}
}

// OpenEach opens the sources of a section, whose type is C, for Driver.Open. It says all mistakes, each behind the name
// of its source.
func OpenEach[C ~map[string]S, S any](
	decode func(any) error, open func(S) (Config, error),
) (map[string]Config, error) {
	var section C
	if err := decode(&section); err != nil {
		return nil, err
	}
	opened := map[string]Config{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(section)) {
		one, err := open(section[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s.%w", name, err))
			continue
		}
		opened[name] = one
	}
	return opened, errors.Join(errs...)
}
