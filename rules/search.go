package rules

import (
	"bytes"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// A searched is a predicate that looks for something in names or in texts.
type searched struct {
	search   *rulespec.Search // of names; nil for texts: see programs
	identity string
	texts    uint8      // which of rulespec.Texts, a bit each; 0: it looks at names
	plain    bool       // in a text, to have a literal is enough
	others   [][]string // sets of literals beside the one that the index knows
}

// A field is what the index has on one of rulespec.Fields.
type field struct {
	terms bool
	names *patterns // nil: nobody searches in its names
	log   []uint32  // the searches in its names, the oldest first
}

// maxFields bounds rulespec.Fields.
const maxFields = 32

// usable says whether a text can be found by each literal of the set.
func usable(set []string) bool {
	return len(set) > 0 && !slices.ContainsFunc(set, func(l string) bool { return len(l) < rulespec.MinLiteral })
}

// bestSet gives the set to find a search by: that of the longest literals. nil: there is none.
func bestSet(s *rulespec.Search) (best []string, at int) {
	length := 0
	for i, set := range s.Literals {
		if !usable(set) {
			continue
		}
		least := len(slices.MinFunc(set, func(a, b string) int { return len(a) - len(b) }))
		if least > length {
			best, at, length = set, i, least
		}
	}
	return best, at
}

// addSearch makes the predicate of a search, if there is a way to find whom it holds for: it looks at names, of which
// each is looked at once, or at texts that have certain literals.
func (x *Index) addSearch(s *rulespec.Search, identity string) (id uint32, ok bool) {
	v := x.next
	set, best := bestSet(s)
	texts, names := uint8(0), 0
	for _, f := range s.Fields {
		if at := slices.Index(rulespec.Texts, f); at >= 0 {
			texts |= 1 << at
		} else {
			names++
		}
	}
	if texts != 0 && (names > 0 || set == nil) {
		return 0, false
	}
	id = uint32(len(v.preds))
	v.preds = append(v.preds, predicate{form: formSearched, at: uint32(len(v.searches))})
	if texts != 0 {
		v.searches = append(v.searches, searched{identity: identity, texts: texts, plain: s.Plain, others: slices.Delete(slices.Clone(s.Literals), best, best+1)})
		v.texts, v.searched = v.texts.add(set, id, texts, s.Plain), v.searched|texts
		v.programs = v.programs.grown(x.env, len(v.searches))
		return id, true
	}
	others := slices.Clone(s.Literals)
	if set != nil {
		others = slices.Delete(others, best, best+1)
	}
	v.searches = append(v.searches, searched{search: s, others: others})
	for _, name := range s.Fields {
		f := &v.fields[slices.Index(rulespec.Fields, name)]
		if f.names == nil {
			f.names = newPatterns()
		}
		f.names = f.names.add(set, id)
		f.log = append(f.log, id)
	}
	return id, true
}

// fromMost is how many places are tried one by one before a text is searched as a whole.
const fromMost = 16

// fits says whether the search fits one of those texts that have one of the literals that the index knows.
func (p *searched) fits(s *scratch, id uint32) (bool, error) {
	for i := range rulespec.Texts {
		if p.texts&s.touched(id)&(1<<i) == 0 || !s.hasOthers(p, i) {
			continue
		}
		search, err := s.view.programs.of(id, p.identity)
		if err != nil {
			return false, err
		}
		if s.matches(search, i) {
			return true, nil
		}
	}
	return false, nil
}

// hasOthers says whether a text, which has one literal of the set that the index knows, has one of each other set too.
func (s *scratch) hasOthers(p *searched, text int) bool {
	for _, set := range p.others {
		if !slices.ContainsFunc(set, func(l string) bool { return s.stretches[text].in(s.folded[text], l) }) {
			return false
		}
	}
	return true
}

// matches says whether a search fits a text. Where it is known how matches begin, only these places are tried.
func (s *scratch) matches(search *rulespec.Search, text int) bool {
	folded, tries := s.folded[text], 0
	if search.From != nil && s.ascii[text] {
		for _, l := range search.Leading {
			for at := 0; ; at++ {
				next := bytes.Index(folded[at:], []byte(l))
				if next < 0 {
					break
				}
				if tries++; tries > fromMost {
					ok, _ := search.Fits(s.texts[text])
					return ok
				}
				if at += next; search.From(s.texts[text], at) {
					return true
				}
			}
		}
		return false
	}
	ok, _ := search.Fits(s.texts[text])
	return ok
}
