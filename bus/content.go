package bus

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// A ContentHash identifies what a message says: it is the SHA-256 of the canonical JSON of its topic and body. Two
// messages with one id and one hash are copies of one message, by whatever way they came. Two with one id and different
// hashes are a conflict: at most one of them is what the owner of the id has said.
type ContentHash [sha256.Size]byte

// String gives the hash in hexadecimal.
func (h ContentHash) String() string { return hex.EncodeToString(h[:]) }

// ContentHash gives the hash of the content of m. It is computed at the first call only.
func (m *Message) ContentHash() ContentHash {
	if m.content == nil { // a message that Decode has not made
		return contentHash(m)
	}
	m.content.once.Do(func() { m.content.hash = contentHash(m) })
	return m.content.hash
}

// A content is shared by the copies of a message, since these differ in the id or the standing alone.
type content struct {
	once sync.Once
	hash ContentHash
}

func contentHash(m *Message) ContentHash {
	b := make([]byte, 0, 256+len(m.Topic)+len(m.Payload))
	b, err := appendCanonical(append(appendString(b, m.Topic), ','), m.Body, 0)
	if err != nil { // a value that Decode does not give
		b = append(append(b, 0), m.Payload...)
	}
	return sha256.Sum256(b)
}
