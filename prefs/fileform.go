package prefs

import (
	"slices"

	"github.com/notifyd/notifyd/rulespec"
)

// File returns filters of a user in the form of a file, and the schedules of their destinations, which an import takes
// again.
func File(filters []Filter, ds []Destination) rulespec.File {
	file := rulespec.File{Destinations: fileDestinations(ds)}
	for _, f := range filters {
		file.Filters = append(file.Filters, FileFilter(f, ds))
	}
	return file
}

// FileFilter returns a stored filter in the form of a file, without the owner: the user who imports it becomes its
// owner. ds are the destinations of its owner.
func FileFilter(f Filter, ds []Destination) rulespec.FileFilter {
	out := rulespec.FileFilter{Filter: f.Filter, On: f.On, Once: f.OneShot}
	out.ID, out.Owner = 0, ""
	for _, d := range ds {
		if slices.Contains(f.Destinations, d.ID) {
			out.To = append(out.To, d.Backend+":"+d.Address)
		}
	}
	return out
}

// fileDestinations returns the schedules of destinations in the form of a file. It leaves out destinations without a
// digest: the user who imports the file would need them for nothing.
func fileDestinations(ds []Destination) []rulespec.FileDestination {
	var list []rulespec.FileDestination
	for _, d := range ds {
		if s := d.Schedule; s.Digest() {
			list = append(list, rulespec.FileDestination{To: d.Backend + ":" + d.Address, Every: s.Every, Count: s.Count,
				At: s.At, Days: s.Weekdays})
		}
	}
	return list
}
