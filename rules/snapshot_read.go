package rules

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/notifyd/notifyd/rules/sections"
	"github.com/notifyd/notifyd/rulespec"
)

// ReadSnapshot makes an Index of a snapshot: it finds what the one that was written found, and can be changed. env
// and key must be what they were then: another key, version, or list of fields gives an error that wraps ErrStale;
// another env is not noticed, and filters would match what they must not. Any other error says what is wrong and in
// which section.
func ReadSnapshot(env rulespec.Env, r io.Reader, key string) (*Index, error) {
	s := &snapshotReader{x: NewIndex(env), sections: sections.NewReader(r, sectionNames, 2*snapshotAhead)}
	if err := s.read(key); err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	return s.x, nil
}

// A snapshotReader puts what it reads into an index that nobody else has. While sections are read, one goroutine
// interns predicates and residuals, and another places filters; neither touches what the other does.
type snapshotReader struct {
	x        *Index
	sections *sections.Reader
	head     snapshotHead
	parts    [2]snapshotPart // predicates and residuals; filters
	used     usedBits
	filters  int // that were read
}

// A snapshotHead is what the first section tells of the others.
type snapshotHead struct{ predicates, residuals, filters int }

// A snapshotPart is a goroutine and the sections that it is to read.
type snapshotPart struct {
	sections chan *sections.Section
	err      error
}

// snapshotAhead is how many sections may wait for the goroutine that reads them.
const snapshotAhead = 64

func (s *snapshotReader) read(key string) error {
	if err := s.begin(key); err != nil {
		return err
	}
	var workers sync.WaitGroup
	readers := [2]func(*sections.Section) error{s.readInterned, s.readFilters}
	for i := range s.parts {
		p := &s.parts[i]
		p.sections = make(chan *sections.Section, snapshotAhead)
		workers.Go(func() { p.read(readers[i], s.sections.Release) })
	}
	end, err := s.distribute()
	for i := range s.parts {
		close(s.parts[i].sections)
	}
	workers.Wait()
	for i := range s.parts {
		if s.parts[i].err != nil {
			return s.parts[i].err // it is in front of what could not be read
		}
	}
	if err == nil {
		err = s.end(end)
	}
	if err != nil {
		return err
	}
	s.x.findRuns()
	s.x.finishBulk()
	s.x.publish()
	return nil
}

// read reads sections until there are no more, and only releases them once one is wrong.
func (p *snapshotPart) read(with func(*sections.Section) error, release func(*sections.Section)) {
	for c := range p.sections {
		if p.err == nil {
			p.err = with(c)
		}
		release(c)
	}
}

// begin reads what stands in front of the sections, and the first.
func (s *snapshotReader) begin(key string) error {
	if err := s.sections.Magic(snapshotMagic); err != nil {
		return err
	}
	c, err := s.sections.Next()
	if err != nil {
		return err
	}
	return s.readHead(c, key)
}

func (s *snapshotReader) readHead(c *sections.Section, key string) error {
	if c.Kind != sectionHead {
		return c.Wrong("want the head")
	}
	if version := c.Number(); c.Err() == nil && version != snapshotVersion {
		return fmt.Errorf("%w: version %d, want %d", ErrStale, version, snapshotVersion)
	}
	if was := c.Text(); c.Err() == nil && was != key {
		return fmt.Errorf("%w: it was written for %q, want %q", ErrStale, was, key)
	}
	fields, texts := c.Texts(), c.Texts()
	if c.Err() == nil && (!slices.Equal(fields, rulespec.Fields) || !slices.Equal(texts, rulespec.Texts)) {
		return fmt.Errorf("%w: it has fields %q and texts %q", ErrStale, fields, texts)
	}
	s.head = snapshotHead{c.Count(1 << 32), c.Count(1 << 32), c.Count(1 << 32)}
	if c.Len() > 0 {
		c.Wrong("is too long")
	}
	return c.Err()
}

// distribute hands the sections to the goroutines that read them, checks their order, and gives the last.
func (s *snapshotReader) distribute() (end *sections.Section, err error) {
	before, size := byte(sectionHead), 0
	for {
		c, err := s.sections.Next()
		if err != nil || c.Kind == sections.End {
			return c, err
		}
		if !follows(before, c.Kind) {
			return nil, c.Wrong("stands where it may not")
		}
		if before = c.Kind; c.Kind != sectionFilters {
			size += c.Len()
			s.parts[0].sections <- c
			continue
		}
		if s.head.predicates > size || s.head.residuals > size { // each takes a byte at least
			return nil, c.Wrong("the head tells of %d predicates and %d residuals, but there are %d bytes of them",
				s.head.predicates, s.head.residuals, size)
		}
		s.parts[1].sections <- c
	}
}

// follows says whether a section may come behind another.
func follows(before, kind byte) bool {
	order := []byte{sectionHead, sectionPredicates, sectionResiduals, sectionFilters}
	at := slices.Index(order, kind)
	return at > 0 && at >= slices.Index(order, before)
}

// end checks that all that the head promises has come, and that it is consistent.
func (s *snapshotReader) end(c *sections.Section) error {
	if err := s.sections.CheckEnd(c); err != nil {
		return err
	}
	v := s.x.next
	if got := (snapshotHead{len(v.preds) - 1, len(v.residuals), s.filters}); got != s.head {
		return c.Wrong("there are %+v, but the head tells of %+v", got, s.head)
	}
	s.x.ordinals.size = s.filters
	return s.used.check(c, v)
}
