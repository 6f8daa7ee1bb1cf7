package rules

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/notifyd/notifyd/rulespec"
)

// ReadSnapshot makes an Index of a snapshot: it finds what the one that was written found, and changes as that. env and
// key must be what they were then; otherwise the error wraps ErrStale, or filters match what they must not. Any other
// error says what is wrong and in which section.
func ReadSnapshot(env rulespec.Env, r io.Reader, key string) (*Index, error) {
	s := &snapshotReader{x: NewIndex(env), sections: sectionReader{r: bufio.NewReaderSize(r, snapshotFull), spare: make(chan []byte, 2*snapshotAhead)}}
	if err := s.read(key); err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	return s.x, nil
}

// A snapshotReader puts what it reads into an index that nobody else has. While sections are read, one goroutine makes
// predicates and signatures of those that are there, and another keeps filters; neither touches what the other does.
type snapshotReader struct {
	x        *Index
	sections sectionReader
	head     snapshotHead
	parts    [2]snapshotPart // what is looked up; filters
	used     usedBits
	size     int // filters that were read
}

// A snapshotHead is what the first section tells of the others.
type snapshotHead struct{ predicates, signatures, filters int }

// A snapshotPart is a goroutine and the sections that it is to read.
type snapshotPart struct {
	sections chan *section
	err      error
}

// snapshotAhead is how many sections may wait for the goroutine that reads them.
const snapshotAhead = 64

func (s *snapshotReader) read(key string) error {
	if err := s.begin(key); err != nil {
		return err
	}
	var workers sync.WaitGroup
	readers := [2]func(*section) error{s.lookedUp, s.filters}
	for i := range s.parts {
		p := &s.parts[i]
		p.sections = make(chan *section, snapshotAhead)
		workers.Go(func() { p.read(readers[i], s.sections.again) })
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
	s.x.ownAll()
	s.x.hangAll()
	s.x.publish()
	return nil
}

// read reads sections until there are no more, or passes them by when one is wrong.
func (p *snapshotPart) read(with func(*section) error, again func(*section)) {
	for c := range p.sections {
		if p.err == nil {
			p.err = with(c)
		}
		again(c)
	}
}

// begin reads what stands in front of the sections, and the first.
func (s *snapshotReader) begin(key string) error {
	var magic [len(snapshotMagic)]byte
	if _, err := io.ReadFull(s.sections.r, magic[:]); err != nil {
		return s.sections.wrong("magic", err)
	}
	if string(magic[:]) != snapshotMagic {
		return fmt.Errorf("%w: it is no snapshot", errCorrupt)
	}
	c, err := s.sections.next()
	if err != nil {
		return err
	}
	return s.readHead(c, key)
}

func (s *snapshotReader) readHead(c *section, key string) error {
	if c.kind != sectionHead {
		return c.wrong("want the head")
	}
	if version := c.uvarint(); c.err == nil && version != snapshotVersion {
		return fmt.Errorf("%w: version %d, want %d", ErrStale, version, snapshotVersion)
	}
	if was := c.text(); c.err == nil && was != key {
		return fmt.Errorf("%w: it was written for %q, want %q", ErrStale, was, key)
	}
	if fields, texts := c.texts(), c.texts(); c.err == nil && !(slices.Equal(fields, rulespec.Fields) && slices.Equal(texts, rulespec.Texts)) {
		return fmt.Errorf("%w: it has fields %q and texts %q", ErrStale, fields, texts)
	}
	s.head = snapshotHead{c.count(1 << 32), c.count(1 << 32), c.count(1 << 32)}
	if c.more() {
		c.wrong("is too long")
	}
	return c.err
}

// distribute gives the sections to those who read them, in an order that may be, and gives the last.
func (s *snapshotReader) distribute() (end *section, err error) {
	before, size := byte(sectionHead), 0
	for {
		c, err := s.sections.next()
		if err != nil || c.kind == sectionEnd {
			return c, err
		}
		if !follows(before, c.kind) {
			return nil, c.wrong("stands where it may not")
		}
		if before = c.kind; c.kind != sectionFilters {
			size += len(c.rest)
			s.parts[0].sections <- c
			continue
		}
		if s.head.predicates > size || s.head.signatures > size { // each takes a byte at least
			return nil, c.wrong("the head tells of %d predicates and %d signatures, but there are %d bytes of them", s.head.predicates, s.head.signatures, size)
		}
		s.parts[1].sections <- c
	}
}

// follows says whether a section may come behind another.
func follows(before, kind byte) bool {
	order := []byte{sectionHead, sectionPredicates, sectionSignatures, sectionFilters}
	at := slices.Index(order, kind)
	return at > 0 && at >= slices.Index(order, before)
}

// end checks that all has come that the head has told of, and that it fits together.
func (s *snapshotReader) end(c *section) error {
	if err := s.sections.end(c); err != nil {
		return err
	}
	v := s.x.next
	if got := (snapshotHead{len(v.preds) - 1, len(v.residuals), s.size}); got != s.head {
		return c.wrong("there are %+v, but the head tells of %+v", got, s.head)
	}
	s.x.ordinals.size = s.size
	return s.used.check(c, v)
}
