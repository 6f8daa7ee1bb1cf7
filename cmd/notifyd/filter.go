package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/verbs"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// filterCmd is `notifyd filter`.
type filterCmd struct {
	Test    filterTestCmd    `cmd:"" help:"Say which filters match: messages as JSON Lines in, one JSON line each out."`
	Explain filterExplainCmd `cmd:"" help:"Say what each rule of each filter says of each message."`
	Check   filterCheckCmd   `cmd:"" help:"Check a file of filters, and print each as a sentence."`
	Import  filterImportCmd  `cmd:"" help:"Turn what people kept in another service into filters of ours."`
	List    verbs.FilterList `cmd:"" help:"List the filters that a person has stored."`
	Show    verbs.FilterShow `cmd:"" help:"Show a stored filter in its text form."`
	Off     verbs.FilterOff  `cmd:"" help:"Switch a stored filter off, for a reason that its owner reads."`
}

// These are the exit statuses of filter check, test and explain, and of bus verify, for CI. 0 is as expected.
const (
	// statusUnexpected is for a mistake that check looks for, a match that test does not expect, what is not signed.
	statusUnexpected exitStatus = 1
	statusBroken     exitStatus = 2 // something could not be read or checked, so nothing is known
)

// finish returns the error that ends one of these commands. An error that is no exit status is printed, and becomes
// statusBroken.
func (e *env) finish(err error) error {
	if status := exitStatus(0); err == nil || errors.As(err, &status) {
		return err
	}
	fmt.Fprintln(e.stderr, "notifyd:", err)
	return statusBroken
}

// filterFlags are the flags that the three commands share.
type filterFlags struct {
	File      string `arg:"" placeholder:"FILTERS.yaml" help:"The filters, in the text form of doc/rules.md."`
	Directory string `placeholder:"FILE" help:"Groups, package owners and accounts. Rules about them need it: what servers told the daemon is not asked."`
	Catalogue string `type:"existingdir" placeholder:"DIR" help:"Folder of a site's catalogue, over the embedded one."`
	Owner     string `placeholder:"NAME" help:"What @me stands for in filters that do not say their owner."`
}

// A filterSet is the filters of a file, ready to be evaluated.
type filterSet struct {
	catalogue *catalogue.Catalogue
	directory rulespec.Directory // nil: without one
	filters   []rulespec.FileFilter
	env       rulespec.Env
	index     *rules.Index
	verifier  *trust.Verifier // nil: messages are not checked
	mistakes  int             // in the file; the filters that have them match nothing
}

// open reads the file, the directory and the catalogue. It prints the mistakes in the file, and the things that the
// filters need and the catalogue or the directory lacks. It returns an error only where no filter can be evaluated.
func (f *filterFlags) open(e *env) (*filterSet, error) {
	set := &filterSet{}
	var err error
	if set.catalogue, err = loadCatalogue(f.Catalogue); err != nil {
		return nil, err
	}
	if f.Directory != "" {
		snapshot, err := directory.ReadFile(f.Directory)
		if err != nil {
			return nil, fmt.Errorf("read directory: %w", err)
		}
		set.directory = snapshot
		set.catalogue = set.catalogue.WithAccounts(snapshot.Accounts())
	}
	text, err := readText(f.File)
	if err != nil {
		return nil, fmt.Errorf("read filters: %w", err)
	}
	file, err := rulespec.Parse(envOf(set.catalogue), text)
	set.mistakes = printMistakes(e.stderr, f.File, err)
	if set.mistakes > 0 && len(file.Filters) == 0 {
		return nil, statusBroken
	}
	set.compile(e.stderr, f, file)
	return set, nil
}

// openFor is open for a command that reads messages.
func (f *filterFlags) openFor(e *env, archive *archiveFlags) (*filterSet, error) {
	verifier, err := archive.verifier(e)
	if err != nil {
		return nil, err
	}
	set, err := f.open(e)
	if err != nil {
		return nil, err
	}
	if set.verifier = verifier; verifier == nil {
		set.warnUnchecked(e.stderr, f.File)
	}
	return set, nil
}

// warnUnchecked names the first filter that asks who has sent a message, where nobody checks that.
func (s *filterSet) warnUnchecked(stderr io.Writer, file string) {
	for _, f := range s.filters {
		if slices.ContainsFunc(f.Rules, func(r rulespec.Rule) bool { return r.Kind == "signed" }) {
			fmt.Fprintf(stderr, "%s:%d: warning: the rule signed holds for no message here: nothing is checked without "+
				"--trust or --ca\n", file, f.Line)
			return
		}
	}
}

// compile builds the index; a filter's id is its number in the file, from 1.
func (s *filterSet) compile(stderr io.Writer, f *filterFlags, file rulespec.File) {
	s.filters = file.Filters
	s.env = envOf(s.catalogue)
	all := make([]rules.Change, len(s.filters))
	for i := range s.filters {
		filter := &s.filters[i].Filter
		filter.ID = rulespec.FilterID(i + 1)
		if filter.Owner == "" {
			filter.Owner = f.Owner
		}
		all[i].Filter = *filter
		for _, missing := range rulespec.Missing(*filter, s.directory) {
			fmt.Fprintf(stderr, "%s:%d: %s; the rule cannot be evaluated\n", f.File, s.filters[i].Line, textOf(missing))
		}
	}
	s.index = rules.NewIndex(s.env)
	for _, b := range s.index.Apply(all...) {
		filter := s.filters[b.Filter-1]
		// Mistakes in the text itself were printed before.
		if errs := rulespec.Check(s.env, filter.Filter); len(errs) > 0 {
			continue
		}
		fmt.Fprintf(stderr, "%s:%d: %s; it matches nothing\n", f.File, filter.Line, textOf(b.Err))
	}
}

// match returns the indexes of the filters that match e. One that is switched off matches nothing.
func (s *filterSet) match(e *catalogue.Event) []int {
	var places []int
	for _, id := range s.index.Match(e, s.directory) {
		if s.filters[id-1].On {
			places = append(places, int(id-1))
		}
	}
	return places
}

// printExpensive prints which filters were found too expensive. Such a filter matched nothing from then on, as it
// would if it were stored.
func (s *filterSet) printExpensive(stderr io.Writer, file string) {
	for _, x := range s.index.TakeExpensive() {
		f := s.filters[x.Filter-1]
		fmt.Fprintf(stderr, "%s:%d: filter %q: switched off: too expensive, "+
			"because searching one message with its expressions took %d steps\n",
			file, f.Line, f.Name, x.Steps)
	}
}

// status is the error that a command ends with when all its messages were read.
func (s *filterSet) status(file string, badLines int) error {
	var errs []error
	if s.mistakes > 0 {
		errs = append(errs, fmt.Errorf("%s has mistakes; filters that have one match nothing", file))
	}
	if badLines > 0 {
		errs = append(errs, fmt.Errorf("lines that are no messages: %d", badLines))
	}
	return errors.Join(errs...)
}

// readText reads a file of at most rulespec.MaxText bytes, or a little more, so that Parse can refuse a text that is
// too long.
func readText(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, rulespec.MaxText+1))
}

// printMistakes prints each error that err joins as file:line:column: text, and returns their number.
func printMistakes(w io.Writer, file string, err error) int {
	if err == nil {
		return 0
	}
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for _, err := range errs {
		var wrong *rulespec.Error
		if errors.As(err, &wrong) && wrong.Line > 0 {
			fmt.Fprintf(w, "%s:%d:%d: %s\n", file, wrong.Line, wrong.Column, wrong.Text())
		} else {
			fmt.Fprintf(w, "%s: %v\n", file, err)
		}
	}
	return len(errs)
}

// textOf returns an error without its position.
func textOf(err error) string {
	var wrong *rulespec.Error
	if errors.As(err, &wrong) {
		return wrong.Text()
	}
	return err.Error()
}

// envOf gives what filters are checked with: the catalogue's kinds and pages.
func envOf(c *catalogue.Catalogue) rulespec.Env {
	return rulespec.Env{KnowsKind: c.KnownKinds(), ObjectsOf: c.ObjectsOf}
}
