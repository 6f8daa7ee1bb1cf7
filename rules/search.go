package rules

import (
	"bytes"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// A searched is a predicate that looks for something in names or in texts.
type searched struct {
	search *rulespec.Search
	texts  uint8 // which of rulespec.Texts, a bit each; 0: it looks at names
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
func bestSet(s *rulespec.Search) []string {
	var best []string
	length := 0
	for _, set := range s.Literals {
		if !usable(set) {
			continue
		}
		least := len(slices.MinFunc(set, func(a, b string) int { return len(a) - len(b) }))
		if least > length {
			best, length = set, least
		}
	}
	return best
}

// addSearch makes the predicate of a search, if there is a way to find whom it holds for: it looks at names, of which
// each is looked at once, or at texts that have certain literals.
func (x *Index) addSearch(s *rulespec.Search) (id uint32, ok bool) {
	v := x.next
	set, texts, names := bestSet(s), uint8(0), 0
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
	v.searches = append(v.searches, &searched{search: s, texts: texts})
	if texts != 0 {
		v.texts, v.searched = v.texts.add(set, id), v.searched|texts
		return id, true
	}
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

// fits says whether the search fits one of the texts.
func (p *searched) fits(s *scratch) bool {
	for i := range rulespec.Texts {
		if p.texts&(1<<i) == 0 || !p.hasLiterals(s.folded[i]) {
			continue
		}
		if ok, _ := p.search.Fits(s.texts[i]); ok {
			return true
		}
	}
	return false
}

// hasLiterals says whether a folded text has one of each set.
func (p *searched) hasLiterals(folded []byte) bool {
	for _, set := range p.search.Literals {
		if !slices.ContainsFunc(set, func(l string) bool { return bytes.Contains(folded, []byte(l)) }) {
			return false
		}
	}
	return true
}
