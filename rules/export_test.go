package rules

import "github.com/notifyd/notifyd/rulespec"

// NewIndexOf is NewIndex with a number of shards.
func NewIndexOf(env rulespec.Env, shards int) *Index { return newIndex(env, shards, programBytes) }

// NewIndexWithin is NewIndex with so much room for compiled expressions.
func NewIndexWithin(programBytes int64) *Index { return newIndex(rulespec.Env{}, 2, programBytes) }

// MessageSteps is what the searches of one message may take.
const MessageSteps = messageSteps

// SetSteps replaces MessageSteps.
func (x *Index) SetSteps(steps int64) { x.budget.steps.Store(steps) }

// ProgramBytes is what compiled expressions take.
func (x *Index) ProgramBytes() int64 { return x.current.Load().programs.Bytes() }
