package email

import (
	"github.com/notifyd/notifyd/backends"
)

// bunch is the lines of one package, object or application.
type bunch struct {
	name   string
	count  int // notices
	groups []backends.Group
}

// bunches merges the notices into lines and gathers these by package, else by object, else by application; the worst
// bunches first, in each the worst lines first, then the oldest.
func bunches(ns []backends.Notice) []bunch {
	index := map[string]int{}
	var out []bunch
	for _, g := range backends.Merge(ns) {
		name := bunchName(g)
		i, ok := index[name]
		if !ok {
			i = len(out)
			index[name] = i
			out = append(out, bunch{name: name})
		}
		out[i].groups = append(out[i].groups, g)
		out[i].count += len(g.Notices)
	}
	return out
}

// bunchName is what all notices of a line are about; the application where that differs.
func bunchName(g backends.Group) string {
	name := aboutName(g.Notices[0])
	for _, n := range g.Notices[1:] {
		if aboutName(n) != name {
			if app := cleanLine(g.Notices[0].App, maxName); app != "" {
				return app
			}
			return "other"
		}
	}
	return name
}

func aboutName(n backends.Notice) string {
	for _, values := range [][]string{n.Packages, n.Objects, {n.App}, {n.KindName}} {
		if len(values) > 0 {
			if s := cleanLine(values[0], maxName); s != "" {
				return s
			}
		}
	}
	return "other"
}

// groupTitle is the line of a group, or what comes nearest to one.
func groupTitle(g backends.Group) string {
	if len(g.Notices) > 1 {
		if s := cleanLine(g.Title, maxSentence); s != "" {
			return s
		}
	}
	return title(g.Notices[0])
}
