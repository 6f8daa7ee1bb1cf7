package automaton

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A charset is ranges of characters, from and to, in order.
type charset []rune

const (
	// maxClasses bounds the classes of characters: sets of them have a bit for each.
	maxClasses = 64
	// maxCuts bounds the places between characters where a class can end.
	maxCuts = 2048
)

// newCode translates a program; nil where it is too large, or asks too much of characters, for a dfa.
func newCode(p *syntax.Prog) *code {
	if len(p.Inst) > maxInsts {
		return nil
	}
	c := &code{insts: make([]inst, len(p.Inst)), first: uint16(p.Start)}
	var sets []charset
	for i := range p.Inst {
		from, to := &p.Inst[i], &c.insts[i]
		to.out, to.more = uint16(from.Out), uint16(from.Arg)
		switch from.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			to.op = opAlt
		case syntax.InstCapture, syntax.InstNop:
			to.op = opNop
		case syntax.InstEmptyWidth:
			to.op, to.set = opEmpty, uint8(from.Arg)
		case syntax.InstMatch:
			to.op = opMatch
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			set := charsetOf(from)
			at := slices.IndexFunc(sets, func(known charset) bool { return slices.Equal(known, set) })
			if at < 0 {
				at, sets = len(sets), append(sets, set)
			}
			if at > 255 {
				return nil
			}
			to.op, to.set = opRune, uint8(at)
		}
	}
	if !c.classify(sets) {
		return nil
	}
	return c
}

// charsetOf gives the characters that an instruction takes.
func charsetOf(in *syntax.Inst) charset {
	switch in.Op {
	case syntax.InstRuneAny:
		return charset{0, unicode.MaxRune}
	case syntax.InstRuneAnyNotNL:
		return charset{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	}
	if len(in.Rune) != 1 {
		return charset(in.Rune)
	}
	first := in.Rune[0]
	set := charset{first, first}
	if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
		for r := unicode.SimpleFold(first); r != first; r = unicode.SimpleFold(r) {
			set = append(set, r, r)
		}
	}
	if len(set) > 2 {
		slices.Sort(set)
	}
	return set
}

// classify divides all characters into classes of which every set has all or none, and so have the characters of words
// and the end of the line, which assertions ask for. It fails when there are too many.
func (c *code) classify(sets []charset) bool {
	all := append(slices.Clip(sets), charset{'\n', '\n'}, charset{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'})
	cuts := []rune{0, utf8.RuneSelf}
	for _, set := range all {
		for i := 0; i+1 < len(set); i += 2 {
			cuts = append(cuts, set[i], set[i+1]+1)
		}
		if len(cuts) > 4*maxCuts {
			return false
		}
	}
	slices.Sort(cuts)
	if cuts = slices.Compact(cuts); len(cuts) > maxCuts {
		return false
	}
	class := make([]uint8, len(cuts)) // of the characters from each cut on
	count := 1
	for _, set := range all {
		var split [maxClasses]uint8 // the class of those in the set that were of a class; 0: none yet
		var whole [maxClasses]bool  // all of the class are in the set
		members := make([]bool, len(cuts))
		for k := range count {
			whole[k] = true
		}
		for i, at := 0, 0; i < len(cuts); i++ {
			for at+1 < len(set) && set[at+1] < cuts[i] {
				at += 2
			}
			members[i] = at+1 < len(set) && set[at] <= cuts[i]
			whole[class[i]] = whole[class[i]] && members[i]
		}
		for i, k := range class {
			if !members[i] || whole[k] {
				continue
			}
			if split[k] == 0 {
				if count == maxClasses {
					return false
				}
				split[k] = uint8(count)
				count++
			}
			class[i] = split[k]
		}
	}
	c.columns = count + 1
	c.spread(cuts, class)
	c.collect(sets, cuts, class)
	return true
}

// spread notes the class of each character of ASCII, and where the classes of the others begin.
func (c *code) spread(cuts []rune, class []uint8) {
	c.kinds = make([]before, c.columns-1)
	for i, from := range cuts {
		c.kinds[class[i]] = kindOf(from)
		if from >= utf8.RuneSelf {
			if n := len(c.classes); n == 0 || c.classes[n-1] != class[i] {
				c.others, c.classes = append(c.others, from), append(c.classes, class[i])
			}
			continue
		}
		for r := from; r < cuts[i+1]; r++ { // there is a cut at RuneSelf
			c.ascii[r] = class[i]
		}
	}
}

// collect notes which classes each set has.
func (c *code) collect(sets []charset, cuts []rune, class []uint8) {
	c.sets = make([]uint64, len(sets))
	for number, set := range sets {
		at := 0
		for i := range cuts {
			for at+1 < len(set) && set[at+1] < cuts[i] {
				at += 2
			}
			if at+1 < len(set) && set[at] <= cuts[i] {
				c.sets[number] |= 1 << class[i]
			}
		}
	}
}
