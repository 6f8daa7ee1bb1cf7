package rules

// ProgramBytes is what compiled expressions take.
func (x *Index) ProgramBytes() int64 { return x.effort.bytes.Load() }
