package rules

import (
	"errors"
	"hash/crc32"
)

// A snapshot is an Index written out, so that a restart reads it instead of compiling every filter again. It has what
// the index interned, not what it was compiled into: expressions are compiled when a message first asks for them. What
// an index looks like in memory is not in it either; reading makes that anew.
//
// A number is an unsigned varint (encoding/binary), a text its length in bytes as a number and the bytes. The file is
//
//	"notifyd rules\n"
//	sections
//
// and a section is
//
//	kind     1 byte
//	length   4 bytes, little-endian: of the content, at most snapshotMost
//	content
//	checksum 4 bytes, little-endian: CRC-32C of kind, length and content
//
// in this order; of those marked *, as many as are needed:
//
//	'h'   head: snapshotVersion, the caller's key as a text, how many fields there are and their names as texts, the same
//	      of texts that are searched, and how many predicates, signatures and filters follow
//	'p' * predicates, in the order of their numbers from 1, each: its form in a byte, and
//	      of a term the number of its field in the list of the head, and its value as a text;
//	      of a need its field and its value as texts;
//	      of the others their identity as a text, and then
//	      of those with keys, how many, and the predicates that these terms are;
//	      of a search the fields and the texts that it looks at, as numbers with a bit for each, 1 where it is enough to
//	      have a literal and else 0, its expression as a text, how many literals it is found by and of each itself as a
//	      text and where the stretch begins that it is found by, how many other sets of literals there are and of each
//	      how many, and these as texts
//	's' * signatures, in the order of their numbers from 0, each: how many literals, and these
//	'f' * filters, by pages of 256 ids in an order that suits the writer: the number of the page, which is that of its ids
//	      divided by 256, how many filters follow, and these in order, each: how many ids there are between it and the one
//	      before in the page, the difference between its owner and that of the one before in the section (zigzag; an owner
//	      is the predicate that he is involved), the predicate that it hangs from, its signature, twice the number of
//	      predicates that exclusion it, and one more when its owner does too, and these predicates in order without the owner
//	'e'   end: how many sections there were before, and the CRC-32C of their checksums, 4 bytes, little-endian
//
// A reader believes no number: it takes memory for what has come, as much as an index takes that has it, and checks what
// refers to something before it uses it.
const (
	snapshotMagic   = "notifyd rules\n"
	snapshotVersion = 4

	sectionHead       = 'h'
	sectionPredicates = 'p'
	sectionSignatures = 's'
	sectionFilters    = 'f'
	sectionEnd        = 'e'

	// snapshotFull is the size of a section that gets no more; a predicate with hundreds of names may make it longer.
	snapshotFull = 1 << 18
	snapshotMost = 1 << 21
)

// ErrStale is wrapped by ReadSnapshot when a snapshot is whole, but was written with another key or by a program whose
// snapshots look different.
var ErrStale = errors.New("snapshot is of another state")

// errCorrupt is wrapped by ReadSnapshot when a snapshot is not what was written.
var errCorrupt = errors.New("snapshot is damaged")

// castagnoli is the table of CRC-32C (RFC 3720, appendix B.4), which processors compute themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)
