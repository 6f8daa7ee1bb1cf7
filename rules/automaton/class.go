package automaton

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A charset is ranges of characters in order: the first and the last of each.
type charset []rune

const (
	// maxClasses bounds the classes of characters: a set of them has a bit for each.
	maxClasses = 64
	// maxCuts bounds the characters where a class can begin.
	maxCuts = 2048
)

// newCode translates a program; nil where it has too many instructions, or too many classes of characters.
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
			at := slices.IndexFunc(sets, func(s charset) bool { return slices.Equal(s, set) })
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

// classify divides the characters into classes by partition refinement: all begin in one class, and each set splits the
// classes of which it has some characters and not all. Words and the end of the line count as sets, since assertions
// look for them. false: there are too many classes.
func (c *code) classify(sets []charset) bool {
	all := append(slices.Clip(sets), charset{'\n', '\n'}, charset{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'})
	cuts := cutsOf(all)
	if len(cuts) > maxCuts {
		return false
	}
	class, count := make([]uint8, len(cuts)), 1 // the class of the characters from each cut on
	for _, set := range all {
		if count = refine(class, count, set.from(cuts)); count > maxClasses {
			return false
		}
	}
	c.columns = count + 1
	c.spread(cuts, class)
	c.sets = make([]uint64, len(sets))
	for i, set := range sets {
		for at, has := range set.from(cuts) {
			if has {
				c.sets[i] |= 1 << class[at]
			}
		}
	}
	return true
}

// cutsOf gives the characters where a set begins or has just ended, in order: no set tells those apart that lie between
// two cuts.
func cutsOf(sets []charset) []rune {
	cuts := []rune{0, utf8.RuneSelf}
	for _, set := range sets {
		for i := 0; i+1 < len(set); i += 2 {
			cuts = append(cuts, set[i], set[i+1]+1)
		}
		if len(cuts) > 4*maxCuts {
			break
		}
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}

// from says of each cut whether the set has the characters from there to the next one.
func (set charset) from(cuts []rune) []bool {
	has := make([]bool, len(cuts))
	for i, at := 0, 0; i < len(cuts); i++ {
		for at+1 < len(set) && set[at+1] < cuts[i] {
			at += 2
		}
		has[i] = at+1 < len(set) && set[at] <= cuts[i]
	}
	return has
}

// refine splits the classes that a set has only a part of, and gives how many classes there are then.
func refine(class []uint8, count int, has []bool) int {
	var whole [maxClasses]bool  // the set has all of the class
	var split [maxClasses]uint8 // the new class of those of a class that the set has; 0: none yet
	for k := range count {
		whole[k] = true
	}
	for i, k := range class {
		whole[k] = whole[k] && has[i]
	}
	for i, k := range class {
		if !has[i] || whole[k] {
			continue
		}
		if split[k] == 0 {
			if count == maxClasses {
				return maxClasses + 1
			}
			split[k] = uint8(count)
			count++
		}
		class[i] = split[k]
	}
	return count
}

// spread notes the class of each ASCII character, and where the classes of the others begin.
func (c *code) spread(cuts []rune, class []uint8) {
	c.contexts = make([]leftContext, c.columns-1)
	for i, from := range cuts {
		c.contexts[class[i]] = contextOf(from)
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
