package kindtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// maxBytes bounds a file of vectors.
const maxBytes = 256 << 10

// A file is the YAML form of Vectors.
type file struct {
	Kind      string
	Owner     string
	Directory any
	Kinds     []string
	Pages     map[string][]string
	Example   string
	Draw      map[string][]string
	Cases     []struct {
		Rule             string
		Sentence         string
		WithoutDirectory bool `yaml:"without_directory"`
		Matches          []event
		Misses           []event
		Unevaluable      []event
	}
	Errors []struct{ Rule, Problem string }
}

// An event is an event as plain fields.
type event struct {
	Topic, App, Kind, Keyword, Actor, Summary, Link, Severity string
	Verdict, Signer                                           string
	Users, Packages, Objects, Groups                          []string
	Author, Assigned, Mentioned, Watchers                     []string
	Body                                                      any
}

// ReadAll reads the files of all rule kinds in dir, in the order of rulespec.RuleKinds. The error joins one for each
// file that is missing, wrong, or of no rule kind; each says what to do.
func ReadAll(dir string) ([]*Vectors, error) {
	var all []*Vectors
	var errs []error
	for _, kind := range rulespec.RuleKinds {
		v, err := Read(filepath.Join(dir, kind.Name+".yaml"))
		switch {
		case errors.Is(err, os.ErrNotExist):
			errs = append(errs, fmt.Errorf("rule kind %s has no vectors: write rulespec/testdata/kinds/%s.yaml; "+
				"section 10 of doc/rules.md describes it, severity.yaml is a short one", kind.Name, kind.Name))
		case err != nil:
			errs = append(errs, err)
		default:
			all = append(all, v)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	errs = append(errs, err)
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".yaml"); rulespec.LookupRuleKind(name) == nil {
			errs = append(errs, fmt.Errorf("%s: rulespec/kinds.go lists no rule kind %q", f, name))
		}
	}
	return all, errors.Join(errs...)
}

// Read reads one file.
func Read(name string) (*Vectors, error) {
	text, err := watch.ReadFile(name, maxBytes)
	if err != nil {
		return nil, err
	}
	var f file
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	v, err := f.vectors()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("%s: %w; section 10 of doc/rules.md describes the file", name, err)
	}
	return v, nil
}

func (f *file) vectors() (*Vectors, error) {
	kind := rulespec.LookupRuleKind(f.Kind)
	if kind == nil {
		return nil, fmt.Errorf("`kind` is %q, and rulespec/kinds.go lists no such rule kind", f.Kind)
	}
	v := &Vectors{Kind: kind, Owner: f.Owner, MessageKinds: f.Kinds, Pages: f.Pages, Example: f.Example, draw: f.Draw}
	if f.Directory != nil {
		text, err := yaml.Marshal(f.Directory)
		if err != nil {
			return nil, err
		}
		v.Directory = text
	}
	for _, e := range f.Errors {
		v.Errors = append(v.Errors, Mistake{Text: e.Rule, Problem: e.Problem})
	}
	var errs []error
	for _, c := range f.Cases {
		made := Case{Text: c.Rule, Sentence: c.Sentence, WithoutDirectory: c.WithoutDirectory}
		var wrong [4]error
		made.Rule, wrong[0] = parseRule(c.Rule)
		made.Matches, wrong[1] = eventsOf(c.Matches)
		made.Misses, wrong[2] = eventsOf(c.Misses)
		made.Unevaluable, wrong[3] = eventsOf(c.Unevaluable)
		if err := errors.Join(wrong[:]...); err != nil {
			errs = append(errs, fmt.Errorf("case %q: %w", c.Rule, err))
		} else if made.Rule.Kind != f.Kind {
			errs = append(errs, fmt.Errorf("case %q is of rule kind %q", c.Rule, made.Rule.Kind))
		}
		v.Cases = append(v.Cases, made)
	}
	return v, errors.Join(errs...)
}

func parseRule(text string) (rulespec.Rule, error) {
	file, err := rulespec.Parse(rulespec.Env{}, FilterText(text))
	if err != nil {
		return rulespec.Rule{}, err
	}
	return file.Filters[0].Rules[1], nil
}

func eventsOf(plain []event) ([]*catalogue.Event, error) {
	all := make([]*catalogue.Event, len(plain))
	for i, p := range plain {
		all[i] = &catalogue.Event{
			Message: &bus.Message{Topic: p.Topic, Body: p.Body, Standing: bus.Standing{
				Verdict: bus.Verdict(p.Verdict), Signer: p.Signer,
			}},
			App: p.App, Kind: p.Kind, Actor: p.Actor, Users: p.Users, Packages: p.Packages, Objects: p.Objects,
			Groups: p.Groups, Severity: catalogue.Info, Keyword: catalogue.Keyword(p.Keyword),
		}
		all[i].SetRoles(catalogue.Roles{Author: p.Author, Assigned: p.Assigned, Mentioned: p.Mentioned, Watchers: p.Watchers})
		all[i].SetProse(catalogue.Prose{Summary: p.Summary, Link: p.Link})
		if p.Severity == "" {
			continue
		}
		severity, err := catalogue.ParseSeverity(p.Severity)
		if err != nil {
			return nil, err
		}
		all[i].Severity = severity
	}
	return all, nil
}
