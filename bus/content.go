package bus

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"
)

// A ContentHash identifies what a message says: it is a SHA-256 of its topic and body, however these are spelled. Two
// messages with one id and one hash are copies of one message, by whatever way they came. Two with one id and different
// hashes are a conflict: at most one of them is what the owner of the id has said. All else is left out, since a bridge
// from another bus changes it: time, counter, names, headers and signature are its own there.
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

// contentHash is of a form that is cheaper to write than canonical JSON, and as certain: objects are sorted and numbers
// canonical, but a text stands as it is after its length. Of a message that was too large to read it is of the payload.
func contentHash(m *Message) ContentHash {
	if !m.unread {
		b := make([]byte, 0, 256+len(m.Topic)+len(m.Payload))
		b, err := appendContent(appendCounted(b, m.Topic), m.Body, 0)
		if err == nil {
			return sha256.Sum256(b)
		} // else it has a value that Decode does not give
	}
	digest := sha256.New()
	digest.Write(append(appendCounted(nil, m.Topic), 0))
	digest.Write(m.Payload)
	return ContentHash(digest.Sum(nil))
}

func appendContent(b []byte, v any, depth int) (_ []byte, err error) {
	if depth > MaxDepth+1 {
		return nil, fmt.Errorf("value nested deeper than %d", MaxDepth+1)
	}
	switch v := v.(type) {
	case string:
		return appendCounted(b, v), nil
	case []any:
		b = binary.AppendUvarint(append(b, '['), uint64(len(v)))
		for _, x := range v {
			if b, err = appendContent(b, x, depth+1); err != nil {
				return nil, err
			}
		}
		return b, nil
	case map[string]any:
		b = binary.AppendUvarint(append(b, '{'), uint64(len(v)))
		for _, k := range sortedKeys(v) {
			if b, err = appendContent(appendCounted(b, k), v[k], depth+1); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
	b, err = appendCanonical(b, v, depth)
	return append(b, ','), err
}

func appendCounted(b []byte, s string) []byte {
	return append(binary.AppendUvarint(append(b, '"'), uint64(len(s))), s...)
}
