package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rulespec"
)

// A searched is a predicate that looks for something in names or in texts.
type searched struct {
	search     *rulespec.Search // of names; nil for texts
	expression string           // of texts: see programs
	texts      uint8            // which of rulespec.Texts, a bit each; 0: it looks at names
	plain      bool             // in a text, to have a literal is enough
	others     [][]string       // sets of literals beside the one that the index knows
}

// A field is what the index has on one of rulespec.Fields.
type field struct {
	terms bool
	names *nameSearches // nil: nobody searches in its names
	log   []uint32      // the searches in its names, the oldest first
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
// each is looked at once, or at texts. Texts that it matches have certain literals; otherwise all must be searched.
func (x *Index) addSearch(s *rulespec.Search) (id uint32, ok bool) {
	set, best := bestSet(s)
	others := s.Literals
	if set != nil {
		others = slices.Delete(slices.Clone(others), best, best+1)
	}
	return x.addFound(s, set, nil, others)
}

// addFound is addSearch for a search that is found by the literals of set, and perhaps by which q-gram of each.
func (x *Index) addFound(s *rulespec.Search, set []string, offsets []uint16, others [][]string) (id uint32, ok bool) {
	v := x.next
	texts, names := uint8(0), 0
	for _, f := range s.Fields {
		if at := slices.Index(rulespec.Texts, f); at >= 0 {
			texts |= 1 << at
		} else {
			names++
		}
	}
	if texts != 0 && (names > 0 || s.Expression == "") {
		return 0, false
	}
	id = uint32(len(v.preds))
	v.preds = append(v.preds, predicate{form: formSearched, at: uint32(len(v.searches))})
	if texts != 0 {
		v.searches = append(v.searches, searched{expression: s.Expression, texts: texts, plain: s.Plain, others: others})
		v.programs, v.searched = v.programs.grown(len(v.searches)), v.searched|texts
		if set == nil {
			v.preds[id].form = formUnindexed
		} else {
			v.texts = v.texts.Add(set, offsets, literals.Target{ID: id, Texts: texts, Plain: s.Plain})
		}
		return id, true
	}
	v.searches = append(v.searches, searched{search: s, others: others})
	for _, name := range s.Fields {
		f := &v.fields[slices.Index(rulespec.Fields, name)]
		if f.names == nil {
			f.names = newNameSearches()
		}
		f.names = f.names.add(set, offsets, id)
		f.log = append(f.log, id)
	}
	return id, true
}
