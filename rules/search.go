package rules

import (
	"slices"

	"github.com/notifyd/notifyd/rules/literals"
	"github.com/notifyd/notifyd/rulespec"
)

// A searched is a predicate that searches names or texts.
type searched struct {
	search     *rulespec.Search // through names; nil: it searches texts
	expression string           // through texts: see programs
	texts      uint8            // which of rulespec.Texts, a bit each; 0: it searches names
	plain      bool             // a text that has a literal matches
	others     [][]string       // sets of literals beside the one that it is found by
}

// A field is what is known of one of rulespec.Fields.
type field struct {
	terms bool
	names *nameSearches // nil: nobody searches its names
	log   []uint32      // the searches through its names, the oldest first
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

// addSearch makes the predicate of a search, if it can be indexed: through names, of which each is looked up once, or
// through texts. Texts that match have certain literals; where these are not known, all texts must be searched.
func (x *Index) addSearch(s *rulespec.Search) (id uint32, ok bool) {
	set, best := bestSet(s)
	others := s.Literals
	if set != nil {
		others = slices.Delete(slices.Clone(others), best, best+1)
	}
	return x.addSearchBy(s, set, nil, others)
}

// addSearchBy is addSearch for a search that is found by the literals of set, and perhaps by known q-grams of these.
func (x *Index) addSearchBy(s *rulespec.Search, set []string, offsets []uint16, others [][]string) (uint32, bool) {
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
	id := uint32(len(v.preds))
	v.preds = append(v.preds, predicate{form: formSearched, at: uint32(len(v.searches))})
	if texts != 0 {
		v.searches = append(v.searches, searched{expression: s.Expression, texts: texts, plain: s.Plain, others: others})
		v.programs, v.searched = v.programs.Grow(len(v.searches)), v.searched|texts
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
