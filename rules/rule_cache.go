package rules

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/notifyd/notifyd/rulespec"
)

// A ruleCache is rules that were compiled lately: most filters name an application or a package that thousands of others
// name, and a person's filters, which mostly come one after the other, name that person. They are told apart word for
// word, so that what is wrong in any way is not taken for what is right.
type recentRules struct {
	seed    maphash.Seed
	buckets [][2]recentRule // by hash, what was asked for last first
	mine    []recentRule    // what depends on the owner, for one owner
	owner   string
	asked   recentRule // what was asked for last, without its words
	words   []byte
}

// A cachedRule is a rule as it was written, and what it says.
type recentRule struct {
	hash  uint64
	kind  *rulespec.RuleKind
	words string // the kind's name; and of each parameter, how many values there are, and each with its length
	owner bool   // whether it depends on the owner
	says  *statement
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
	kind := rulespec.LookupRuleKind(r.Kind)
	if kind == nil {
		return false
	}
	t.asked, t.words = recentRule{kind: kind}, append(t.words[:0], r.Kind...)
	given := 0
	for i := range kind.Params {
		values, ok := r.Args[kind.Params[i].Name]
		if ok && len(values) == 0 {
			return false // it is wrong
		}
		given += min(len(values), 1)
		t.words = binary.AppendUvarint(t.words, uint64(len(values)))
		for _, value := range values {
			t.words = append(binary.AppendUvarint(t.words, uint64(len(value))), value...)
			t.asked.owner = t.asked.owner || value == rulespec.Me
		}
	}
	t.asked.hash = maphash.Bytes(t.seed, t.words)
	if t.asked.owner && t.owner != owner {
		t.owner, t.mine = owner, t.mine[:0]
	}
	return given == len(r.Args)
}

// is says whether a rule is the one that was asked for, word for word.
func (t *recentRules) is(a *recentRule) bool {
	return a.hash == t.asked.hash && a.kind == t.asked.kind && a.words == string(t.words)
}

// statement gives what the rule that was asked for says, nil when it is not here.
func (t *recentRules) statement() *statement {
	if t.asked.owner {
		for i := range t.mine {
			if t.is(&t.mine[i]) {
				return t.mine[i].says
			}
		}
		return nil
	}
	b := &t.buckets[t.asked.hash%recentBuckets]
	switch {
	case t.is(&b[0]):
		return b[0].says
	case t.is(&b[1]):
		b[0], b[1] = b[1], b[0]
		return b[0].says
	}
	return nil
}

// keep keeps what the rule that was asked for says.
func (t *recentRules) keep(s *statement) {
	one := t.asked
	one.words, one.says = string(t.words), s
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
