package directories

import (
	"fmt"

	"github.com/notifyd/notifyd/directory"
)

// slack is how many entries may go missing in any case: of three groups one may be deleted.
const slack = 2

// sane returns why a value should not take the place of the last good one: it is empty, or in some part it holds less
// than the share shrink of what the last one held. A server that answers with half of its data, or a list that was cut
// when it was written, looks like many people who have left. An operator can say that it is right.
func sane(last, next *directory.Facts, shrink float64) error {
	now, before := sizes(next), sizes(last)
	empty := true
	for i, part := range now {
		empty = empty && part.n <= 0
		had := before[i].n
		if shrink == 0 || had <= 0 || part.n >= had {
			continue
		}
		if n := max(part.n, 0); n == 0 || float64(n) < shrink*float64(had) && had-n > slack {
			return fmt.Errorf("refused: it has %d %s, and had %d; if that is right, notifyd directory accept NAME takes it",
				n, part.what, had)
		}
	}
	if empty {
		return fmt.Errorf("refused: it knows nothing at all")
	}
	return nil
}

// A size is how much there is of something, -1 where that is unknown.
type size struct {
	what string
	n    int
}

// sizes returns how much facts hold, always in the same order.
func sizes(f *directory.Facts) []size {
	c := f.Counts()
	members, owners := 0, 0
	if f != nil {
		for _, m := range f.Groups {
			members += len(m)
		}
		for _, all := range f.Packages {
			for _, o := range all {
				if o.Name != "" {
					owners++
				}
			}
		}
	}
	return []size{{"people", c.People}, {"groups", c.Groups}, {"packages", c.Packages}, {"accounts", c.Accounts},
		{"members of groups", members}, {"owners of packages", owners}}
}
