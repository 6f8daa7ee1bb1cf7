package rules

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/notifyd/notifyd/rulespec"
)

// A ruleCache is rules that were compiled lately. Most filters name an application or a package that thousands of
// others name, and a person's filters, which mostly come one after the other, name that person. It has two rules for
// each hash, the least recently used of which makes room. Rules are compared word for word, so that one that is wrong
// in any way is never taken for one that is right.
type ruleCache struct {
	seed   maphash.Seed
	sets   [][2]cachedRule // by hash, the rule that was asked for last first
	own    []cachedRule    // rules that name the owner, of one owner
	owner  string
	wanted cachedRule // the rule that is looked for, without its words
	words  []byte     // of wanted
}

// A cachedRule is a rule as it was written, and compiled.
type cachedRule struct {
	hash     uint64
	kind     *rulespec.RuleKind
	words    string // the kind's name; and of each parameter, how many values there are, and each with its length
	owner    bool   // it names the owner
	compiled *statement
}

const (
	cacheSets = 1 << 15
	cacheOwn  = 16
)

func newRuleCache() *ruleCache {
	return &ruleCache{seed: maphash.MakeSeed(), sets: make([][2]cachedRule, cacheSets)}
}

// seek begins to look for a rule. false: rules like it are not kept.
func (c *ruleCache) seek(owner string, r *rulespec.Rule) bool {
	kind := rulespec.LookupRuleKind(r.Kind)
	if kind == nil {
		return false
	}
	c.wanted, c.words = cachedRule{kind: kind}, append(c.words[:0], r.Kind...)
	given := 0
	for i := range kind.Params {
		values, ok := r.Args[kind.Params[i].Name]
		if ok && len(values) == 0 {
			return false // it is wrong
		}
		given += min(len(values), 1)
		c.wanted.owner = c.wanted.owner || !ok && kind.Params[i].Default == rulespec.Me
		c.words = binary.AppendUvarint(c.words, uint64(len(values)))
		for _, value := range values {
			c.words = append(binary.AppendUvarint(c.words, uint64(len(value))), value...)
			c.wanted.owner = c.wanted.owner || value == rulespec.Me
		}
	}
	c.wanted.hash = maphash.Bytes(c.seed, c.words)
	if c.wanted.owner && c.owner != owner {
		c.owner, c.own = owner, c.own[:0]
	}
	return given == len(r.Args)
}

func (c *ruleCache) isWanted(r *cachedRule) bool {
	return r.hash == c.wanted.hash && r.kind == c.wanted.kind && r.words == string(c.words)
}

// get gives the rule that is looked for; nil when it is not here.
func (c *ruleCache) get() *statement {
	if c.wanted.owner {
		for i := range c.own {
			if c.isWanted(&c.own[i]) {
				return c.own[i].compiled
			}
		}
		return nil
	}
	set := &c.sets[c.wanted.hash%cacheSets]
	switch {
	case c.isWanted(&set[0]):
		return set[0].compiled
	case c.isWanted(&set[1]):
		set[0], set[1] = set[1], set[0]
		return set[0].compiled
	}
	return nil
}

// put keeps the rule that was looked for.
func (c *ruleCache) put(s *statement) {
	r := c.wanted
	r.words, r.compiled = string(c.words), s
	if r.owner {
		if len(c.own) == cacheOwn {
			c.own = c.own[:0]
		}
		c.own = append(c.own, r)
		return
	}
	set := &c.sets[r.hash%cacheSets]
	set[1], set[0] = set[0], r
}
