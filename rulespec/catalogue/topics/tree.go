package topics

// A Tree finds values by the patterns that they were added under. The zero Tree is empty.
//
// Of several patterns that fit a topic the more definite comes first, compared from the left: a word written out before
// a capture of one word before a capture of the rest. Values with the same pattern come in the order of their adding.
type Tree[T any] struct {
	words map[string]*Tree[T] // by the word that stands here
	any   *Tree[T]            // a capture of one word
	rest  []T                 // of patterns that end here with a capture of the rest
	ends  []T                 // of patterns that end here
}

// Add puts a value under a pattern.
func (t *Tree[T]) Add(p Pattern, v T) { t.add(p.words, v) }

func (t *Tree[T]) add(words []word, v T) {
	if len(words) == 0 {
		t.ends = append(t.ends, v)
		return
	}
	w, more := words[0], words[1:]
	switch {
	case w.rest:
		t.rest = append(t.rest, v)
	case w.literals == nil:
		if t.any == nil {
			t.any = &Tree[T]{}
		}
		t.any.add(more, v)
	default:
		for _, literal := range w.literals {
			if t.words == nil {
				t.words = map[string]*Tree[T]{}
			}
			if t.words[literal] == nil {
				t.words[literal] = &Tree[T]{}
			}
			t.words[literal].add(more, v)
		}
	}
}

// Find tries the values whose pattern fits words, the most definite first, until try takes one.
func (t *Tree[T]) Find(words []string, try func(T) bool) bool {
	if len(words) == 0 {
		return tryAll(t.ends, try)
	}
	if next := t.words[words[0]]; next != nil && next.Find(words[1:], try) {
		return true
	}
	if t.any != nil && t.any.Find(words[1:], try) {
		return true
	}
	return tryAll(t.rest, try)
}

func tryAll[T any](values []T, try func(T) bool) bool {
	for _, v := range values {
		if try(v) {
			return true
		}
	}
	return false
}

// Each calls visit with every list of values that share a pattern, in no order.
func (t *Tree[T]) Each(visit func([]T)) {
	visit(t.ends)
	visit(t.rest)
	if t.any != nil {
		t.any.Each(visit)
	}
	for _, next := range t.words {
		next.Each(visit)
	}
}
