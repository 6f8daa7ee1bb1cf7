package loading

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/migrations"
)

// The numbers of messages that go into one transaction.
const (
	alonePart    = 5000
	postgresPart = 10_000 // in two transactions
	besidePart   = 250    // some ten milliseconds, in which a daemon waits
)

const (
	fewMessages  = 20_000    // whose indexes are made again within a second
	manyMessages = 1_000_000 // of which what is remembered is most of what lives in memory
	reported     = 20        // texts that are left out and named
	sayEvery     = 10 * time.Second
)

// tables are those whose indexes are put aside.
var tables = []string{"messages", "message_users", "message_packages"}

// A storer stores what is read, and says how far it is.
type storer struct {
	db    *migrations.DB
	store *history.Store
	alone bool // an SQLite file that nobody else uses
	say   io.Writer
	now   func() time.Time

	most, mostOfSource int64 // bytes; 0: no bound
	kept               history.Size
	keptOfSource       int64

	loader     *history.Loader
	bare       bool
	part       batch
	sum        history.Loaded
	texts, bad int64
	dropped    int64
	began      time.Time
	said       time.Time
	saidSum    int64
}

// begin looks what is there. weight is about how many bytes come, 0 where nobody knows.
func (s *storer) begin(ctx context.Context, source string, weight int64) (err error) {
	s.said = s.began
	if s.kept, err = s.store.Size(ctx); err != nil {
		return err
	}
	if s.mostOfSource > 0 {
		totals, err := s.store.Totals(ctx, history.Selection{}, "source")
		if err != nil {
			return err
		}
		for _, t := range totals {
			if t.Name == source {
				s.keptOfSource = t.Bytes
			}
		}
	}
	if err := s.within(weight); err != nil {
		return err
	}
	aside, err := s.db.IsAside(ctx)
	if err != nil {
		return err
	}
	s.loader = s.store.NewLoader()
	if aside || s.alone && s.kept.Messages <= fewMessages {
		return s.goBare(ctx)
	}
	return nil
}

// within is the error for more bytes than are kept.
func (s *storer) within(more int64) error {
	const how = "raise it (doc/history.md), or import with --over-bounds"
	switch {
	case s.most > 0 && s.kept.Bytes+more > s.most:
		return fmt.Errorf("%d bytes are kept and %d come: more than history.keep_bytes, %d, so that the oldest would be "+
			"deleted; %s", s.kept.Bytes, more, s.most, how)
	case s.mostOfSource > 0 && s.keptOfSource+more > s.mostOfSource:
		return fmt.Errorf("%d bytes of the source are kept and %d come: more than history.source_bytes, %d; %s",
			s.keptOfSource, more, s.mostOfSource, how)
	}
	return nil
}

// goBare puts the indexes aside.
func (s *storer) goBare(ctx context.Context) (err error) {
	if err := s.db.SetAside(ctx, tables...); err != nil {
		return err
	}
	s.bare = true
	s.loader, err = s.store.NewBareLoader(ctx)
	return err
}

// take stores what was made of a block, sooner or later.
func (s *storer) take(ctx context.Context, m made) error {
	s.texts += int64(m.texts)
	s.dropped += int64(m.dropped)
	for _, f := range m.bad {
		if s.bad++; s.bad <= reported {
			fmt.Fprintf(s.say, "left out: %s: %s\n", f.where, f.why)
		}
	}
	s.part.add(m.ready)
	if len(s.part.ready) < s.atOnce() {
		return nil
	}
	return s.flush(ctx)
}

// atOnce is how many messages go in together.
func (s *storer) atOnce() int {
	switch {
	case s.db.Postgres:
		return postgresPart
	case s.alone:
		return alonePart
	}
	return besidePart
}

// flush stores what is there.
func (s *storer) flush(ctx context.Context) error {
	for all := s.part.take(); len(all) > 0; {
		n := min(len(all), s.atOnce())
		began := s.now()
		loaded, err := s.loader.Append(ctx, all[:n])
		if err != nil {
			return err
		}
		all = all[n:]
		s.add(loaded)
		if err := s.within(s.sum.Bytes); err != nil {
			return err
		}
		if err := s.adapt(ctx); err != nil {
			return err
		}
		if !s.alone && !s.db.Postgres { // the daemon's turn
			backoff.Sleep(ctx, max(s.now().Sub(began), 5*time.Millisecond))
		}
	}
	s.progress()
	return ctx.Err()
}

func (s *storer) add(more history.Loaded) {
	s.sum.Added, s.sum.Known = s.sum.Added+more.Added, s.sum.Known+more.Known
	s.sum.Upgraded, s.sum.Conflicts = s.sum.Upgraded+more.Upgraded, s.sum.Conflicts+more.Conflicts
	s.sum.Bytes += more.Bytes
}

// adapt puts the indexes aside when more has come than was there, and takes them back when too much waits for them.
func (s *storer) adapt(ctx context.Context) error {
	if s.loader.Full() {
		return s.restore(ctx)
	}
	if s.bare && s.kept.Messages+int64(s.sum.Added) > manyMessages {
		debug.SetGCPercent(gcPercentOfMany)
	}
	if !s.bare && s.alone && int64(s.sum.Added) > max(fewMessages, s.kept.Messages/2) {
		return s.goBare(ctx)
	}
	return nil
}

// restore makes the indexes again.
func (s *storer) restore(ctx context.Context) error {
	began := s.now()
	loaded, err := s.loader.End(ctx, func(ctx context.Context) error {
		return s.db.Restore(ctx, nil)
	})
	s.add(loaded)
	if err != nil {
		return err
	}
	if took := s.now().Sub(began); took > time.Second {
		fmt.Fprintf(s.say, "the indexes are made again, in %s\n", took.Round(100*time.Millisecond))
	}
	s.loader = s.store.NewLoader()
	return nil
}

// end stores the rest, puts everything right, and says what was done. whole: all was read.
func (s *storer) end(ctx context.Context, whole bool) error {
	var err error
	if whole {
		err = s.flush(ctx)
	}
	err = errors.Join(err, s.restore(ctx))
	if err == nil && s.sum.Added > fewMessages {
		err = s.store.Refresh(ctx)
	}
	took := s.now().Sub(s.began)
	fmt.Fprintf(s.say, "%d added, %d known before", s.sum.Added, s.sum.Known)
	for _, more := range []struct {
		n    int64
		what string
	}{
		{int64(s.sum.Upgraded), "put in the place of copies that prove less"},
		{int64(s.sum.Conflicts), "claim the id of another message"},
		{s.dropped, "left out by bus.trust"}, {s.bad, "left out: no messages"},
	} {
		if more.n > 0 {
			fmt.Fprintf(s.say, ", %d %s", more.n, more.what)
		}
	}
	rate := float64(s.sum.Added+s.sum.Known) / max(took.Seconds(), 0.001)
	fmt.Fprintf(s.say, "; %s, %.0f a second\n", took.Round(10*time.Millisecond), rate)
	if err == nil && whole && s.bad > 0 {
		err = fmt.Errorf("texts left out: %d", s.bad)
	}
	return err
}

// progress says now and then how far it is.
func (s *storer) progress() {
	now := s.now()
	if now.Sub(s.said) < sayEvery {
		return
	}
	sum := int64(s.sum.Added + s.sum.Known)
	rate := float64(sum-s.saidSum) / now.Sub(s.said).Seconds()
	fmt.Fprintf(s.say, "%d added, %d known before, %d left out; %.0f a second\n", s.sum.Added, s.sum.Known,
		s.bad+s.dropped, rate)
	s.said, s.saidSum = now, sum
}
