package zmq

import (
	"encoding/binary"
	"errors"
)

// The parts of ZMTP 3.0 (ZeroMQ RFC 23, section "Formal grammar") that the guard needs.
const (
	greetingSize = 64
	flagMore     = 1 // another frame of the same message follows
	flagLong     = 2 // the length has eight bytes, not one
	flagCommand  = 4

	frameCost = 64 // what a frame counts beside its length: a message of a million empty frames is large too
)

var errTooLarge = errors.New("message over the size limit")

// A framing follows a ZMTP byte stream from outside: where frames and messages end, and how large they say they are. It
// sees a header before the codec does, which allocates whatever a header claims.
type framing struct {
	max  uint64 // of a message's size, each frame counting frameCost more
	pass uint64 // bytes of the greeting or of a body still to come
	head [9]byte
	have int    // bytes of head that are there
	size uint64 // of the message under way
	more bool   // the last frame begun is not its message's last
	done uint64 // messages completed; commands do not count
	cmds uint64 // commands completed
}

// follow takes note of the next bytes of the stream.
func (f *framing) follow(b []byte) error {
	for len(b) > 0 {
		if f.pass > 0 {
			n := min(f.pass, uint64(len(b)))
			f.pass -= n
			b = b[n:]
			f.ended()
			continue
		}
		f.head[f.have] = b[0]
		f.have++
		b = b[1:]
		if f.have < 2 || f.head[0]&flagLong != 0 && f.have < len(f.head) {
			continue
		}
		if err := f.begin(); err != nil {
			return err
		}
	}
	return nil
}

// begin takes a whole header.
func (f *framing) begin() error {
	size := uint64(f.head[1])
	if f.head[0]&flagLong != 0 {
		size = binary.BigEndian.Uint64(f.head[1:])
	}
	f.have = 0
	f.more = f.head[0]&flagMore != 0
	if size > f.max || f.size+size+frameCost > f.max {
		return errTooLarge
	}
	f.size += size + frameCost
	f.pass = size
	f.ended()
	return nil
}

// ended closes the message if its last byte has passed.
func (f *framing) ended() {
	if f.pass == 0 && !f.more && f.size > 0 {
		f.size = 0
		if f.head[0]&flagCommand == 0 {
			f.done++
		} else {
			f.cmds++
		}
	}
}

// midway says whether a frame or message has begun and not ended.
func (f *framing) midway() bool { return f.have > 0 || f.pass > 0 || f.size > 0 }
