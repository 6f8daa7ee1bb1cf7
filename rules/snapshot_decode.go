package rules

import (
	"encoding/binary"
	"fmt"
)

// A section is what is still to be read of one. The first error stays, and what is read after it is nothing.
type section struct {
	kind   byte
	number int
	rest   []byte
	whole  []byte // what rest was
	err    error
}

func (c *section) name() string {
	switch c.kind {
	case sectionHead:
		return "head"
	case sectionPredicates:
		return "predicates"
	case sectionSignatures:
		return "signatures"
	case sectionFilters:
		return "filters"
	case sectionEnd:
		return "end"
	}
	return "unknown"
}

func (c *section) wrong(format string, args ...any) error {
	if c.err == nil {
		c.err = fmt.Errorf("%w: section %d (%s): %s", errCorrupt, c.number, c.name(), fmt.Sprintf(format, args...))
		c.rest = nil
	}
	return c.err
}

// more says whether something is left and nothing was wrong.
func (c *section) more() bool { return len(c.rest) > 0 }

func (c *section) uvarint() uint64 {
	if len(c.rest) > 0 && c.rest[0] < 0x80 {
		n := uint64(c.rest[0])
		c.rest = c.rest[1:]
		return n
	}
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.wrong("ends within a number")
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

// below reads a number that must be less than limit.
func (c *section) below(limit int) uint32 {
	n := c.uvarint()
	if c.err == nil && n >= uint64(limit) {
		c.wrong("%d where only %d are known", n, limit)
	}
	if c.err != nil {
		return 0
	}
	return uint32(n)
}

// count reads a number of things, of which limit are possible.
func (c *section) count(limit int) int { return int(c.below(limit + 1)) }

// list reads a number of things that follow, of which each takes a byte at least.
func (c *section) list() int {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.wrong("tells of %d things and has %d bytes", n, len(c.rest))
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}

func (c *section) byte() byte {
	if len(c.rest) == 0 {
		c.wrong("ends too early")
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

func (c *section) text() string {
	n := c.list()
	t := string(c.rest[:n])
	c.rest = c.rest[n:]
	return t
}

func (c *section) texts() []string {
	var list []string
	for range c.list() {
		list = append(list, c.text())
	}
	return list
}
