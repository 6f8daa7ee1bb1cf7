package report

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/notifyd/notifyd/history/readers"
)

// The bounds on what visitors may cost.
const (
	mostKept    = 256              // results
	mostRuns    = 2                // reports that are made at the same time for visitors
	mostWait    = 5 * time.Second  // for the others
	mostTime    = 25 * time.Second // of a run for a visitor
	mostRead    = 3_000_000        // messages that a run for a visitor reads, of each window
	freshOpen   = time.Minute      // how long a result is shown of a window that is not over
	freshClosed = 15 * time.Minute // of one that is over: messages may still come late
	freshOld    = 6 * time.Hour    // of one that has been over for some days
	freshFailed = 5 * time.Minute  // how long nobody tries again what took too long
	costs       = 20               // a result is shown at least so many times as long as it took to make
)

// MaxEarlier is how many windows one can go back.
const MaxEarlier = 400

// ErrBusy is why a visitor gets no report: too many are being made.
var ErrBusy = errors.New("too many reports are being made")

// ErrSlow is why a visitor gets no report: it takes too long.
var ErrSlow = fmt.Errorf("the report takes longer than %v", mostTime)

// ErrNoWindow is the error for a time that is the beginning of no window, or of which nothing is known.
var ErrNoWindow = errors.New("there is no report of this time")

// A Desk makes reports, and keeps them for visitors. It is safe for concurrent use.
type Desk struct {
	maker
	runs chan struct{} // a token for each run for a visitor

	mu   sync.Mutex
	kept map[window]*kept
}

// A window is what a result is kept for. A report that was read again is another one.
type window struct {
	report *Report
	since  int64
	among  string // the key of the sources
}

type kept struct {
	made   chan struct{} // closed when the rest is there
	result *Result
	err    error
	until  time.Time // it is shown until then
	used   time.Time
}

// NewDesk makes a Desk.
func NewDesk(c Config) *Desk {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Desk{maker: maker{c}, runs: make(chan struct{}, mostRuns), kept: map[window]*kept{}}
}

// Make makes a report of any time now, of the messages of some sources. The window before, for comparison, is as long
// as this one.
func (d *Desk) Make(
	ctx context.Context, r *Report, among readers.Sources, since, until time.Time,
) (*Result, error) {
	before := since.Add(since.Sub(until))
	if start := r.Window.Start(since, r.Zone); start.Equal(since) && r.Window.Next(start, 1, r.Zone).Equal(until) {
		before = r.Window.Next(start, -1, r.Zone)
	}
	return d.make(ctx, r, among, since, until, before)
}

// Latest gives the beginning of the window that is under way, and of the last one that is over.
func (d *Desk) Latest(r *Report) (current, finished time.Time) {
	current = r.Window.Start(d.Now(), r.Zone)
	return current, r.Window.Next(current, -1, r.Zone)
}

// Earlier gives the beginnings of the windows that are over and of which there are messages, the latest first, at most
// so many.
func (d *Desk) Earlier(
	ctx context.Context, r *Report, among readers.Sources, most int,
) (starts []time.Time, err error) {
	begins, err := d.begins(ctx, among)
	if err != nil || begins.IsZero() {
		return nil, err
	}
	_, start := d.Latest(r)
	for range min(most, MaxEarlier) {
		if !r.Window.Next(start, 1, r.Zone).After(begins) {
			break
		}
		starts = append(starts, start)
		start = r.Window.Next(start, -1, r.Zone)
	}
	return starts, nil
}

// Window gives the report of the window that begins at start, for a visitor who may see the messages of some sources:
// made now, or some time ago for somebody who may see the same.
func (d *Desk) Window(ctx context.Context, r *Report, among readers.Sources, start time.Time) (*Result, error) {
	if !r.Window.Start(start, r.Zone).Equal(start) {
		return nil, ErrNoWindow
	}
	for {
		k, mine := d.take(window{r, start.UnixMicro(), among.Key()})
		if mine {
			d.fill(ctx, k, r, among, start)
		}
		select {
		case <-k.made:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if k.err == nil || mine || !errors.Is(k.err, context.Canceled) {
			return k.result, k.err
		}
	}
}

// take gives what is kept for a window. mine: there is nothing, and the caller makes it.
func (d *Desk) take(w window) (k *kept, mine bool) {
	now := d.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if k = d.kept[w]; k != nil {
		select {
		case <-k.made:
			if now.Before(k.until) {
				k.used = now
				return k, false
			}
		default:
			return k, false // somebody is making it
		}
	}
	if len(d.kept) >= mostKept {
		d.drop()
	}
	k = &kept{made: make(chan struct{}), used: now}
	d.kept[w] = k
	return k, true
}

// drop forgets the result that was used longest ago.
func (d *Desk) drop() {
	var oldest window
	var at *kept
	for w, k := range d.kept {
		if at == nil || k.used.Before(at.used) {
			oldest, at = w, k
		}
	}
	delete(d.kept, oldest)
}

// fill makes what is kept. A visitor who leaves does not stop it: others may wait for it.
func (d *Desk) fill(ctx context.Context, k *kept, r *Report, among readers.Sources, start time.Time) {
	defer close(k.made)
	wait := time.NewTimer(mostWait)
	defer wait.Stop()
	select {
	case d.runs <- struct{}{}:
		defer func() { <-d.runs }()
	case <-wait.C:
		k.err = ErrBusy
		return
	case <-ctx.Done():
		k.err = ctx.Err()
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mostTime)
	defer cancel()
	began := d.Now()
	bounded := maker{d.Config}
	bounded.Most = mostRead
	k.result, k.err = bounded.make(ctx, r, among, start, r.Window.Next(start, 1, r.Zone),
		r.Window.Next(start, -1, r.Zone))
	if errors.Is(k.err, context.DeadlineExceeded) {
		k.err = ErrSlow
		k.until = d.Now().Add(freshFailed)
	}
	if k.err != nil {
		d.Log.Error("report failed", "report", r.Name, "error", k.err)
		return
	}
	k.until = d.Now().Add(max(fresh(k.result), costs*d.Now().Sub(began)))
	if !k.result.Finished && k.until.After(k.result.Until) {
		k.until = k.result.Until // then it is over: nobody is to read that it is not
	}
}

// fresh says how long a result is shown.
func fresh(r *Result) time.Duration {
	switch {
	case !r.Finished:
		return freshOpen
	case r.Made.Sub(r.Until) > 72*time.Hour:
		return freshOld
	}
	return freshClosed
}
