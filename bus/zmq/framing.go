package zmq

import (
	"encoding/binary"
	"errors"
)

// The parts of ZMTP 3.0 (ZeroMQ RFC 23, section "Formal grammar") that are needed here. The RFC calls a part of a
// message a frame; here a frame is a bus.Frame, and a part is a part.
const (
	greetingSize = 64
	flagMore     = 1 // another part of the same message follows
	flagLong     = 2 // the length has eight bytes, not one
	flagCommand  = 4

	partCost = 64 // bytes that a part counts beside its length: a message of a million empty parts is large too
)

var errTooLarge = errors.New("message over the size limit")

// A framing finds the parts and messages in a ZMTP byte stream, and the lengths that their headers claim. It looks at a
// header before the codec does, which allocates whatever a header claims.
type framing struct {
	max      uint64 // of a message's size, each part counting partCost more
	skip     uint64 // bytes of the greeting or of a part still to come
	header   [9]byte
	got      int    // bytes of header that are there
	size     uint64 // of the message that has begun, so far
	more     bool   // the part that has begun is not the last one of its message
	messages uint64 // that have ended
	commands uint64 // that have ended
}

// advance notes the next bytes of the stream.
func (f *framing) advance(b []byte) error {
	for len(b) > 0 {
		if f.skip > 0 {
			n := min(f.skip, uint64(len(b)))
			f.skip -= n
			b = b[n:]
			f.endPart()
			continue
		}
		f.header[f.got] = b[0]
		f.got++
		b = b[1:]
		if f.got < 2 || f.header[0]&flagLong != 0 && f.got < len(f.header) {
			continue
		}
		if err := f.beginPart(); err != nil {
			return err
		}
	}
	return nil
}

// beginPart notes a whole header.
func (f *framing) beginPart() error {
	size := uint64(f.header[1])
	if f.header[0]&flagLong != 0 {
		size = binary.BigEndian.Uint64(f.header[1:])
	}
	f.got = 0
	f.more = f.header[0]&flagMore != 0
	if size > f.max || f.size+size+partCost > f.max {
		return errTooLarge
	}
	f.size += size + partCost
	f.skip = size
	f.endPart()
	return nil
}

// endPart ends the message or command if its last byte has passed.
func (f *framing) endPart() {
	if f.skip == 0 && !f.more && f.size > 0 {
		f.size = 0
		if f.header[0]&flagCommand == 0 {
			f.messages++
		} else {
			f.commands++
		}
	}
}

// inside reports whether a message or command has begun and not ended.
func (f *framing) inside() bool { return f.got > 0 || f.skip > 0 || f.size > 0 }

// encodeMessage gives the bytes of a message of two parts.
func encodeMessage(topic string, payload []byte) []byte { return encodeParts([]byte(topic), payload) }

// encodeParts gives the bytes of a message.
func encodeParts(parts ...[]byte) []byte {
	size := 0
	for _, part := range parts {
		size += len(part) + 9
	}
	wire := make([]byte, 0, size)
	for i, part := range parts {
		flags := byte(flagMore)
		if i == len(parts)-1 {
			flags = 0
		}
		if len(part) > 255 {
			wire = binary.BigEndian.AppendUint64(append(wire, flags|flagLong), uint64(len(part)))
		} else {
			wire = append(wire, flags, byte(len(part)))
		}
		wire = append(wire, part...)
	}
	return wire
}
