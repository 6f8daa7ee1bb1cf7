package rules

import (
	"encoding/binary"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rulespec"
)

// A text is one of rulespec.Texts of an event, made ready to be searched.
type text struct {
	text   string
	folded []byte         // text after rulespec.Fold
	ascii  bool           // an offset in text is the same in folded
	grams  literals.Bloom // of folded
}

// scanTexts finds the searches whose literals are in the event's texts.
func (s *matchState) scanTexts() {
	for i, name := range rulespec.Texts {
		if s.view.searched&(1<<i) == 0 {
			continue
		}
		t := &s.texts[i]
		t.text = s.Text(name)
		t.folded = literals.Pad(rulespec.Fold(t.folded[:0], t.text))
		t.ascii = len(t.folded) == len(t.text) && isASCII(t.folded)
		t.grams.Reset()
		if s.view.texts == nil {
			continue
		}
		s.view.texts.Scan(t.folded, func(e *literals.Entry, at int) {
			if e.Texts&(1<<i) != 0 {
				s.found(e, i, at)
			}
		})
	}
}

// found notes that a text has a literal at an offset.
func (s *matchState) found(e *literals.Entry, text, at int) {
	id := e.ID
	if int(id) >= len(s.view.preds) { // younger than the view
		return
	}
	m := s.marks[id]
	switch {
	case m>>markBits != s.number:
		to := unverified
		if e.Plain {
			s.holding, to = append(s.holding, id), holds
		} else {
			c := candidate{id: id, at: uint32(at), size: uint16(e.Len()), text: uint8(text)}
			s.candidates = append(s.candidates, c)
		}
		s.marks[id] = s.number<<markBits | 1<<(stateBits+text) | uint32(to)
	case state(m&(1<<stateBits-1)) != holds:
		s.marks[id] = m | 1<<(stateBits+text) | 1<<repeatBit
	}
}

// withLiteral gives the texts that have a literal of a search, a bit each.
func (s *matchState) withLiteral(id uint32) uint8 {
	return uint8(s.marks[id] >> stateBits & (1<<maxTexts - 1))
}

// isASCII says whether all characters of a text, which is padded, are ASCII.
func isASCII(text []byte) bool {
	all := uint64(0)
	for i := 0; i < len(text); i += 8 {
		all |= binary.LittleEndian.Uint64(text[i : i+literals.Padding : i+literals.Padding])
	}
	return all&0x8080808080808080 == 0
}
