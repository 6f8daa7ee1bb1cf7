// Package fmn turns the preferences that people kept in FMN, Fedora's notification service, into filters of ours.
//
// # What it reads
//
// [Import] reads two forms, and knows them by their fields. Classic FMN (until 2023) exported one object for each
// medium of a person, with filters and schedules. Its successor gives rules by its API, each with what to follow and
// where to send.
//
// # How rules are carried over
//
// FMN's rules are Python functions with names, about three hundred. Each has a translation: to kinds of message where
// entries of the catalogue take exactly the messages that the rule held for, to a rule about topics where the catalogue
// divides them in another way, or to rules about people, packages and fields. doc/fmn.md lists them.
//
// # What holds
//
//   - Nothing is ever widened. A filter with a part that cannot be carried over is switched off, and a rule that never
//     holds replaces the part, so that switching the filter on by mistake does no harm.
//   - Every part that is not carried over is reported as a [Note], with the reason in words.
//   - A regular expression that may find something else in our JSON than in FMN's is reported, and its filter is
//     switched off where finding less would match more.
//   - An export is bounded before any work is done on it, and the result is bounded so that it can be read again as a
//     text.
//
// An example:
//
//	file, notes, err := fmn.Import(export, fmn.Options{Catalogue: c, IRCNetwork: "Libera"})
package fmn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Options are what an export does not contain.
type Options struct {
	// Catalogue finds the kinds of message that stand for FMN's rules. It must be there.
	Catalogue *catalogue.Catalogue
	// IRCNetwork is the network on which nicks of the export are reached; "" when none is.
	IRCNetwork string
	// CheckAddress gives the canonical form of an address of a backend; its error is for a person. nil takes any
	// address as it is.
	CheckAddress func(backend, address string) (string, error)
}

// A Note is a part that could not be carried over, and why.
type Note struct {
	Filter string // its name among the filters made; "" where it is about a medium or the whole export
	Off    bool   // the filter is switched off for it
	What   string // what could not be carried: "rule koji_instance"
	Reason string
}

// String gives the note on one line.
func (n Note) String() string {
	text := n.What + ": " + n.Reason
	if n.Filter != "" {
		text = fmt.Sprintf("filter %q: %s", n.Filter, text)
	}
	if n.Off {
		text += "; the filter is switched off"
	}
	return text
}

// The bounds on an export.
const (
	MaxExport = 8 << 20 // bytes
	maxMedia  = 100     // preferences in a list, addresses of one
	maxWhole  = 5000    // rules in all
	maxRules  = 200     // rules in a filter, before those that say the same are joined
)

// ErrExport is what Import wraps for a text that is no export. The rest of the error is for the person who gave it.
var ErrExport = errors.New("not an export of FMN")

// Import reads an export of either FMN and gives its filters, in their order, with what could not be carried.
func Import(export []byte, o Options) (rulespec.File, []Note, error) {
	if len(export) > MaxExport {
		return rulespec.File{}, nil, fmt.Errorf("%w: it is longer than %d MiB", ErrExport, MaxExport>>20)
	}
	m := &importer{Options: o, names: map[string]bool{}, env: rulespec.Env{KnowsKind: o.Catalogue.KnownKinds()}}
	preferences, tracked, err := readExport(export)
	if err != nil {
		return rulespec.File{}, nil, err
	}
	for _, p := range preferences {
		m.preference(p)
	}
	for _, r := range tracked {
		m.tracked(r)
	}
	m.leaveOff()
	if err := m.bounded(); err != nil {
		return rulespec.File{}, nil, err
	}
	return m.file, m.notes, nil
}

// An importer collects the filters and notes of one export.
type importer struct {
	Options
	file  rulespec.File
	notes []Note
	names map[string]bool // of the filters so far
	env   rulespec.Env    // what they are checked in
}

// leaveOff takes out the filters with which there would be more regular expressions over texts than a person may have,
// and says which.
func (m *importer) leaveOff() {
	all := 0
	m.file.Filters = slices.DeleteFunc(m.file.Filters, func(f rulespec.FileFilter) bool {
		n := rulespec.CountTexts(f.Rules)
		if all+n <= rulespec.MaxTexts {
			all += n
			return false
		}
		m.notes = append(m.notes, Note{Filter: f.Name, What: "the whole filter", Reason: fmt.Sprintf(
			"it is left off, as it has %d regular expressions over texts and the filters before it have %d; a person may "+
				"have %d in all", n, all, rulespec.MaxTexts)})
		return true
	})
}

// bounded says whether what was made can be read again as one text.
func (m *importer) bounded() error {
	if n := len(m.file.Filters); n > rulespec.MaxFilters {
		return fmt.Errorf("the export makes %d filters; one text takes %d. Import its media one by one", n,
			rulespec.MaxFilters)
	}
	if n := len(rulespec.Format(m.file)); n > rulespec.MaxText {
		return fmt.Errorf("the export makes a text of %d KiB; one text takes %d KiB. Import its media one by one", n>>10,
			rulespec.MaxText>>10)
	}
	return nil
}
