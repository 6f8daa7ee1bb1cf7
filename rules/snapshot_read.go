package rules

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// ReadSnapshot makes an Index of a snapshot: it finds what the one that was written found, and changes as that. env and
// key must be what they were then; otherwise the error wraps ErrStale, or filters match what they must not. Any other
// error says what is wrong and in which section.
func ReadSnapshot(env rulespec.Env, r io.Reader, key string) (*Index, error) {
	s := &snapshotReader{x: NewIndex(env), sections: sectionReader{r: bufio.NewReaderSize(r, snapshotFull)}}
	if err := s.read(key); err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	s.x.publish()
	return s.x, nil
}

// A snapshotReader puts what it reads into an index that nobody else has.
type snapshotReader struct {
	x        *Index
	sections sectionReader
	preds    int // how many the head says that there are; and so on
	sigs     int
	size     int
}

func (s *snapshotReader) read(key string) error {
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
	if err := s.head(c, key); err != nil {
		return err
	}
	order := byte(sectionHead)
	for {
		c, err := s.sections.next()
		if err != nil {
			return err
		}
		if c.kind == sectionEnd {
			return s.end(c)
		}
		if !follows(order, c.kind) {
			return c.wrong("stands where it may not")
		}
		order = c.kind
		for read := s.reader(c.kind); c.more(); {
			read(c)
		}
		if c.err != nil {
			return c.err
		}
	}
}

// follows says whether a section may come behind another.
func follows(before, kind byte) bool {
	order := []byte{sectionHead, sectionPredicates, sectionSignatures, sectionFilters}
	at := slices.Index(order, kind)
	return at > 0 && at >= slices.Index(order, before)
}

// reader gives what reads one thing of a section after the other.
func (s *snapshotReader) reader(kind byte) func(*section) {
	switch kind {
	case sectionPredicates:
		return s.predicate
	case sectionSignatures:
		return s.signature
	}
	before := new(standing)
	return func(c *section) { s.filter(c, before) }
}

func (s *snapshotReader) head(c *section, key string) error {
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
	for _, n := range []*int{&s.preds, &s.sigs, &s.size} {
		*n = c.count(1 << 32)
	}
	if c.more() {
		c.wrong("is too long")
	}
	return c.err
}

// end checks that all has come that the head has told of.
func (s *snapshotReader) end(c *section) error {
	if err := s.sections.end(c); err != nil {
		return err
	}
	v := s.x.next
	if len(v.preds)-1 != s.preds || len(v.sigs) != s.sigs || s.x.slots.size != s.size {
		return c.wrong("%d predicates, %d signatures, %d filters, but the head tells of %d, %d, %d",
			len(v.preds)-1, len(v.sigs), s.x.slots.size, s.preds, s.sigs, s.size)
	}
	return nil
}

func (s *snapshotReader) signature(c *section) {
	sig := []literal{}
	var key []byte
	for range c.list() {
		l := literal(c.below(2 * len(s.x.next.preds)))
		sig, key = append(sig, l), binary.LittleEndian.AppendUint32(key, uint32(l))
	}
	if _, twice := s.x.sigs[string(key)]; twice {
		c.wrong("a signature comes twice")
	}
	if c.err == nil {
		s.x.sigs[string(key)] = uint32(len(s.x.next.sigs)) + sigFirst
		s.x.next.sigs = append(s.x.next.sigs, sig)
	}
}

// A standing is what the next filter of a section is told apart from.
type standing struct {
	id    rulespec.FilterID
	owner int64
}

// filter reads one; before is the one in front of it.
func (s *snapshotReader) filter(c *section, before *standing) {
	x := s.x
	before.id += rulespec.FilterID(unzigzag(c.uvarint()))
	before.owner += unzigzag(c.uvarint())
	p := place{access: c.below(len(x.next.preds)), sig: c.below(len(x.next.sigs)) + sigFirst}
	for range c.list() {
		p.kills = append(p.kills, c.below(len(x.next.preds)))
	}
	if c.err == nil {
		s.check(c, before, p)
	}
	if c.err == nil {
		x.putAt(x.slots.take(x.next, before.id), uint32(before.owner), p)
	}
}

// check checks what a filter refers to.
func (s *snapshotReader) check(c *section, f *standing, p place) {
	x := s.x
	if slot, known := x.slots.find(f.id); known {
		if _, twice := x.kept(slot); twice {
			c.wrong("filter %d comes twice", f.id)
			return
		}
	}
	if f.owner < 0 || f.owner >= int64(len(x.next.preds)) || !x.next.preds[f.owner].isOwner() {
		c.wrong("filter %d is owned by %d, who is nobody", f.id, f.owner)
		return
	}
	if access := x.next.preds[p.access]; p.access != root && !access.listed() {
		c.wrong("filter %d hangs from predicate %d, which nothing leads to", f.id, p.access)
		return
	}
	for i, id := range p.kills {
		if i > 0 && id <= p.kills[i-1] || !x.next.preds[id].listed() {
			c.wrong("filter %d is killed out of order, or by what nothing leads to", f.id)
			return
		}
	}
}

// isOwner says whether the number of a predicate is that of an owner.
func (p predicate) isOwner() bool {
	return p.form == formTerm && rulespec.Fields[p.field] == ownerField
}
