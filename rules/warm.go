package rules

import (
	"context"
	"iter"
	"runtime"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

const (
	// warmNames is how many names are remembered beforehand at most, and warmBytes what they may take: room is left for
	// names that come by themselves.
	warmNames, warmBytes = memoNames * 3 / 4, memoBytes / 2
	// warmAtOnce is how many names are looked at until others may have the processor.
	warmAtOnce = 16
)

// Warm looks at names that messages are likely to bring in a field, one of rulespec.Fields, so that the first message
// that brings one need not wait for the searches through names. It remembers them as far as there is room, and may run
// while others match and change. The error is ctx's, when it ended before.
func (x *Index) Warm(ctx context.Context, field string, names iter.Seq[string]) error {
	v := x.current.Load()
	at := slices.Index(rulespec.Fields, field)
	if at < 0 || v.fields[at].names == nil {
		return nil
	}
	f := &v.fields[at]
	s := new(matchState)
	s.begin(v, rulespec.Subject{})
	n := 0
	for name := range names {
		if n == warmNames || f.names.memo.bytes.Load() > warmBytes {
			return nil
		}
		if n++; n%warmAtOnce == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			runtime.Gosched()
		}
		s.remember(f, name)
	}
	return nil
}
