package rules

// NewIndexOf is NewIndex with a number of shards.
var NewIndexOf = newIndex

// Limits and DefaultLimits are those of searches through texts.
type Limits = limits

var DefaultLimits = defaultLimits

// SetLimits replaces DefaultLimits.
func (x *Index) SetLimits(l Limits) { x.budget.limits.Store(&l) }

// ProgramBytes is what compiled expressions take.
func (x *Index) ProgramBytes() int64 { return x.budget.bytes.Load() }
