package email

import (
	"cmp"
	"slices"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// bunch is the notices of one package, object or application.
type bunch struct {
	name    string
	notices []backends.Notice
	worst   level
	first   time.Time
}

// groupNotices gathers notices by package, else by object, else by application; the worst groups first, in each the
// worst notices first, then the oldest.
func groupNotices(ns []backends.Notice) []bunch {
	index := map[string]int{}
	var out []bunch
	for _, n := range ns {
		name := groupName(n)
		i, ok := index[name]
		if !ok {
			i = len(out)
			index[name] = i
			out = append(out, bunch{name: name, first: n.Time})
		}
		out[i].notices = append(out[i].notices, n)
		out[i].worst = max(out[i].worst, severity(n))
	}
	for i := range out {
		slices.SortStableFunc(out[i].notices, func(a, b backends.Notice) int {
			return cmp.Or(cmp.Compare(severity(b), severity(a)), a.Time.Compare(b.Time))
		})
	}
	slices.SortStableFunc(out, func(a, b bunch) int {
		return cmp.Or(cmp.Compare(b.worst, a.worst), a.first.Compare(b.first))
	})
	return out
}

func groupName(n backends.Notice) string {
	for _, values := range [][]string{n.Packages, n.Objects, {n.App}, {n.KindName}} {
		if len(values) > 0 {
			if s := cleanLine(values[0], maxName); s != "" {
				return s
			}
		}
	}
	return "other"
}
