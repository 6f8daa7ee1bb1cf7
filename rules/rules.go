// Package rules finds the filters that an event matches, among millions of them, and says why.
//
// # The idea
//
// A search engine stores documents and is asked queries. Here the queries are stored: each filter is one, a
// conjunction of rules, and each event asks which filters it satisfies. The literature calls that selective
// dissemination of information, or matching in publish/subscribe systems. The naive way asks every filter. An Index
// asks the event first:
//
//   - A rule is a predicate (rulespec.Predicate), perhaps under not. Equal predicates are one, and each is decided at
//     most once for an event, whatever the number of filters that have it.
//   - A filter is posted under one of its predicates only, its access predicate: the one that holds for the fewest
//     events. An event for which that does not hold never meets the filter. (T. Yan, H. Garcia-Molina, "Index
//     Structures for Selective Dissemination of Information Under the Boolean Model", TODS 1994, index a profile by
//     its rarest word; F. Fabret et al., "Filtering Algorithms and Implementation for Very Fast Publish/Subscribe
//     Systems", SIGMOD 2001, have the word access predicate.)
//   - The other predicates of a filter are its residual. Few sets of them exist, so filters that are posted under the
//     same predicate with the same residual are one posting list, which is taken or left whole (the clusters of
//     Fabret et al.).
//   - A rare predicate under not is an exclusion: the filter is posted under it to be taken out of the result when it
//     holds (S. Whang et al., "Indexing Boolean Expressions", VLDB 2009). A frequent one is part of the residual.
//
// The predicates that hold for an event are found, not tried: a value of a field by a dictionary of terms, a pattern
// of names by q-grams and a memory of names, an expression by its literals in the text and then by an automaton,
// within a budget of steps. Only what an event cannot lead to is asked, and only when a filter that is reached
// depends on it.
//
// # Invariants
//
//   - An Index finds what the naive loop finds: the oracle of the tests compares the two on millions of cases.
//   - A predicate that cannot be evaluated is unknown (S. Kleene's three-valued logic); under not it is unknown too,
//     and a filter matches only when all its conditions hold. Nothing that is missing makes a filter match more.
//   - Matching does no I/O and asks no clock. It takes no lock that a change holds, and sees one version of the
//     filters, whole.
//   - An Index knows no people: a filter has an id and an owner's name, and ids come back.
//
// # Where to read on
//
// find.go is the way of an event, collect.go its end; placement.go is the way of a filter. The inner rooms teach one
// structure each: postings (the inverted index), literals (q-grams), automaton (expressions), programs (those that
// are compiled), vector (what lets readers keep a version), sections (the file of a snapshot); scan asks one filter
// about many events.
package rules

import "github.com/notifyd/notifyd/rulespec"

// A Change is a filter to add or to replace, or to take out.
type Change struct {
	Filter rulespec.Filter // only the ID counts when it is Gone
	Gone   bool
}

// Broken is a filter that could not be compiled; it never matches.
type Broken struct {
	Filter rulespec.FilterID
	Err    error // joins an *rulespec.Error for each mistake
}
