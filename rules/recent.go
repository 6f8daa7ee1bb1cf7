package rules

import (
	"hash/maphash"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// recentRules are rules that were compiled lately: most filters name an application or a package that thousands of others
// name, and a person's filters, which mostly come one after the other, name that person. They are told apart word for
// word, so that what is wrong in any way is not taken for what is right.
type recentRules struct {
	seed    maphash.Seed
	buckets [][2]recentRule // by hash, what was asked for last first
	mine    []recentRule    // what depends on the owner, for one owner
	owner   string
	asked   recentRule // what was asked for last
}

// A recentRule is a rule as it was written, and what it says.
type recentRule struct {
	hash   uint64
	kind   *rulespec.Kind
	values [][]string // of the kind's parameters, nil for one that was left out
	owner  bool       // whether it depends on the owner
	says   *statement
}

const (
	recentBuckets = 1 << 15
	recentMine    = 16
)

func newRecentRules() *recentRules {
	return &recentRules{seed: maphash.MakeSeed(), buckets: make([][2]recentRule, recentBuckets)}
}

// ask begins to look for a rule. false: it is one that is not kept.
func (t *recentRules) ask(owner string, r *rulespec.Rule) bool {
	q := &t.asked
	*q = recentRule{kind: rulespec.Lookup(r.Kind), values: q.values[:0]}
	if q.kind == nil {
		return false
	}
	q.hash = maphash.String(t.seed, r.Kind)
	given := 0
	for i := range q.kind.Params {
		values, ok := r.Args[q.kind.Params[i].Name]
		if q.values = append(q.values, values); !ok {
			q.hash = q.hash*recentFactor + 1
			continue
		}
		if len(values) == 0 {
			return false // it is wrong
		}
		given++
		for _, value := range values {
			q.hash = (q.hash ^ maphash.String(t.seed, value)) * recentFactor
			q.owner = q.owner || value == rulespec.Me
		}
		q.hash ^= uint64(len(values))
	}
	if q.owner && t.owner != owner {
		t.owner, t.mine = owner, t.mine[:0]
	}
	return given == len(r.Args)
}

// recentFactor is odd and has its bits well mixed.
const recentFactor = 0x9e3779b97f4a7c15

// is says whether two rules are the same, word for word.
func (a *recentRule) is(b *recentRule) bool {
	return a.hash == b.hash && a.kind == b.kind && slices.EqualFunc(a.values, b.values, slices.Equal[[]string])
}

// statement gives what the rule that was asked for says, nil when it is not here.
func (t *recentRules) statement() *statement {
	if t.asked.owner {
		for i := range t.mine {
			if t.mine[i].is(&t.asked) {
				return t.mine[i].says
			}
		}
		return nil
	}
	b := &t.buckets[t.asked.hash%recentBuckets]
	switch {
	case b[0].says != nil && b[0].is(&t.asked):
		return b[0].says
	case b[1].says != nil && b[1].is(&t.asked):
		b[0], b[1] = b[1], b[0]
		return b[0].says
	}
	return nil
}

// keep keeps what the rule that was asked for says.
func (t *recentRules) keep(s *statement) {
	one := t.asked
	one.values, one.says = slices.Clone(one.values), s
	if one.owner {
		if len(t.mine) == recentMine {
			t.mine = t.mine[:0]
		}
		t.mine = append(t.mine, one)
		return
	}
	b := &t.buckets[one.hash%recentBuckets]
	b[1], b[0] = b[0], one
}
