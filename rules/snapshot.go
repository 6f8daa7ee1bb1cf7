package rules

import (
	"errors"

	"github.com/notifyd/notifyd/rules/sections"
)

// A snapshot is an Index written out, so that a restart reads it instead of compiling every filter again. It has what
// the index interned, not what it was compiled into: expressions are compiled when a message first asks for them. What
// an index looks like in memory is not in it either; reading makes that anew.
//
// The file is one of package sections, which have, in this order, those marked * as many as are needed:
//
//	'h'   head: snapshotVersion, the caller's key as a text, how many fields there are and their names as texts, the same
//	      of texts that are searched, and how many predicates, residuals and filters follow
//	'p' * predicates, in the order of their numbers from 1, each: its form in a byte, and
//	      of a term the number of its field in the list of the head, and its value as a text;
//	      of a need its field and its value as texts;
//	      of the others their identity as a text, and then
//	      of those with keys, how many, and the predicates that these terms are;
//	      of a search the fields and the texts that it looks at, as numbers with a bit for each, 1 where it is enough to
//	      have a literal and else 0, its expression as a text, how many literals it is found by and of each itself as a
//	      text and where the q-gram begins that it is found by, how many other sets of literals there are and of each
//	      how many, and these as texts
//	's' * residuals, in the order of their numbers from 0, each: how many conditions, and these
//	'f' * filters, by pages of 256 ids in an order that suits the writer: the number of the page, which is that of its ids
//	      divided by 256, how many filters follow, and these in order, each: how many ids there are between it and the one
//	      before in the page, the difference between its owner and that of the one before in the section (zigzag; an owner
//	      is the predicate that he is involved), the predicate that it is posted under, its residual, twice the number of
//	      predicates that exclusion it, and one more when its owner does too, and these predicates in order without the owner
//
// A reader believes no number: it takes memory for what has come, as much as an index takes that has it, and checks what
// refers to something before it uses it.
const (
	snapshotMagic   = "notifyd rules\n"
	snapshotVersion = 4

	sectionHead       = 'h'
	sectionPredicates = 'p'
	sectionResiduals  = 's'
	sectionFilters    = 'f'
)

// sectionNames are what errors call the sections.
var sectionNames = map[byte]string{
	sectionHead: "head", sectionPredicates: "predicates", sectionResiduals: "residuals", sectionFilters: "filters",
	sections.End: "end",
}

// ErrStale is wrapped by ReadSnapshot when a snapshot is whole, but was written with another key or by a program whose
// snapshots look different.
var ErrStale = errors.New("snapshot is of another state")
