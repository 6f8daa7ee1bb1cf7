package postings_test

import (
	"fmt"

	"github.com/notifyd/notifyd/rules/postings"
	"github.com/notifyd/notifyd/rules/vector"
)

func Example() {
	const bash, inGit = 1, postings.FirstResidual // a predicate, and the number of a set of residual predicates
	shards := make([]postings.Shard, 1)
	shards[0].SetTerms([]uint32{inGit: 0})
	q := postings.NewQueue(len(shards))
	q.Post(0, bash, inGit, 42)
	q.Post(0, bash, inGit, 17)
	q.Post(0, bash, postings.Excluded, 99)
	q.Flush(new(vector.Transient), shards)

	published := shards[0] // readers keep it
	q.Remove(0, bash, inGit, 42)
	q.Flush(new(vector.Transient), shards)
	for _, s := range []*postings.Shard{&published, &shards[0]} {
		s.Each(bash, func(residual uint32, ordinals []uint32) { fmt.Println(residual, ordinals) })
	}
	// Output:
	// 1 [99]
	// 2 [17 42]
	// 1 [99]
	// 2 [17]
}
