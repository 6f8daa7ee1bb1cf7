// Package fmn turns the preferences that people kept in FMN, Fedora's notification service, into filters of ours.
//
// It reads what classic FMN exported (one object a medium, or a list of them) and what the API of its successor gives.
// doc/fmn.md says what becomes of each rule. Nothing is ever widened: a filter of which a part cannot be carried over is
// switched off, and in place of the part stands a rule that never holds, so that switching the filter on is harmless.
package fmn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Options say what the export does not.
type Options struct {
	// Catalogue finds the kinds of message that stand for FMN's rules. It must be there.
	Catalogue *catalogue.Catalogue
	// IRCNetwork is the network on which nicks of the export are reached; "" when none is.
	IRCNetwork string
	// CheckAddress gives the canonical form of an address of a backend; an error is for a person. nil: any address is
	// taken as it is.
	CheckAddress func(backend, address string) (string, error)
}

// A Note says what could not be carried over, and why.
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

// ErrExport is wrapped by Import for a text that is no export; the rest of the error is for who gave it.
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
			"it is left off, as it has %d regular expressions over texts and the filters before it have %d; a person may have %d in all", n, all, rulespec.MaxTexts)})
		return true
	})
}

// bounded says whether what was made can be read again as one text.
func (m *importer) bounded() error {
	if n := len(m.file.Filters); n > rulespec.MaxFilters {
		return fmt.Errorf("the export makes %d filters; one text takes %d. Import its media one by one", n, rulespec.MaxFilters)
	}
	if n := len(rulespec.Format(m.file)); n > rulespec.MaxText {
		return fmt.Errorf("the export makes a text of %d KiB; one text takes %d KiB. Import its media one by one", n>>10, rulespec.MaxText>>10)
	}
	return nil
}
