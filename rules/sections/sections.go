// Package sections writes and reads files of which no damage goes unnoticed: a snapshot of an index is one.
//
// A file is a magic text and sections. A section is
//
//	kind     1 byte
//	length   4 bytes, little-endian: of the content, at most Most
//	content
//	checksum 4 bytes, little-endian: CRC-32C of kind, length and content
//
// and in a content a number is an unsigned varint (encoding/binary), a text its length in bytes as a number and the
// bytes. The last section is of kind End: how many sections there were before it, and the CRC-32C of their checksums, 4
// bytes, little-endian; so a section that is missing, twice or at another place is noticed too.
//
// # Invariants
//
//   - A Reader takes memory for what has come, not for what a length promises.
//   - A Section that is read past its end, or is found wrong by its reader, keeps the first error and gives zeros from
//     then on: code that reads one checks Err where it uses a value, and not behind each.
//   - The errors of damaged files wrap ErrDamaged and name the section.
package sections

import (
	"errors"
	"hash/crc32"
)

const (
	// End is the kind of the last section.
	End = 'e'
	// Full is the size of a content that gets no more; one text or list may make it longer.
	Full = 1 << 18
	// Most bounds a content.
	Most = 1 << 21

	header = 5 // bytes before the content
	sum    = 4 // and behind it
)

// ErrDamaged is wrapped by the errors of a file that is not what was written.
var ErrDamaged = errors.New("file is damaged")

// castagnoli is the table of CRC-32C (RFC 3720, appendix B.4), which processors compute themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)
