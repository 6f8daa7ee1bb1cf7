package catalogue

// A branch is a word's place in the tree of patterns. Finding the entries for a topic walks it by map look-ups, so its
// cost depends on the words of the topic and not on the number of entries.
//
// Of several patterns that fit a topic the more definite comes first, compared from the left: a word written out before a
// capture of one word before a capture of the rest. Entries with the same pattern come in the order of the file.
type branch struct {
	words map[string]*branch // by the word that stands here
	any   *branch            // a capture of one word
	rest  []*entry           // patterns that end here with a capture of the rest
	ends  []*entry           // patterns that end here
}

func (b *branch) add(words []patternWord, e *entry) {
	if len(words) == 0 {
		b.ends = append(b.ends, e)
		return
	}
	w, more := words[0], words[1:]
	switch {
	case w.rest:
		b.rest = append(b.rest, e)
	case w.literals == nil:
		if b.any == nil {
			b.any = &branch{}
		}
		b.any.add(more, e)
	default:
		for _, literal := range w.literals {
			if b.words == nil {
				b.words = map[string]*branch{}
			}
			if b.words[literal] == nil {
				b.words[literal] = &branch{}
			}
			b.words[literal].add(more, e)
		}
	}
}

// find tries the entries whose pattern fits words, the most definite first, until try takes one.
func (b *branch) find(words []string, try func(*entry) bool) bool {
	if len(words) == 0 {
		return tryAll(b.ends, try)
	}
	if next := b.words[words[0]]; next != nil && next.find(words[1:], try) {
		return true
	}
	if b.any != nil && b.any.find(words[1:], try) {
		return true
	}
	return tryAll(b.rest, try)
}

func tryAll(entries []*entry, try func(*entry) bool) bool {
	for _, e := range entries {
		if try(e) {
			return true
		}
	}
	return false
}

// each calls visit with every list of entries that share a pattern, for the checks.
func (b *branch) each(visit func([]*entry)) {
	visit(b.ends)
	visit(b.rest)
	if b.any != nil {
		b.any.each(visit)
	}
	for _, next := range b.words {
		next.each(visit)
	}
}
