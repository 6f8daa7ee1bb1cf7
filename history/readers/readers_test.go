package readers_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/history/readers"
)

type (
	config = readers.Config
	rules  = map[string]readers.Rule
)

// in makes a Reader who is signed in and in some groups.
func in(groups ...string) readers.Reader {
	return readers.Reader{Member: true, In: func(group string) bool { return slices.Contains(groups, group) }}
}

func TestWhoMayRead(t *testing.T) {
	nobody, unknown := readers.Reader{}, readers.Reader{Member: true}
	operator := in()
	operator.Operator = true
	private := rules{"private": {Groups: []string{"infra", "admins"}}, "closed": {}}
	open := rules{"open": {Members: true}, "private": {Groups: []string{"infra"}}}
	narrow := config{Groups: []string{"staff"}, Sources: open}
	all, none := readers.Sources{}, readers.None()
	but := func(names ...string) readers.Sources { return readers.Sources{Names: names} }
	only := func(names ...string) readers.Sources { return readers.Sources{Only: true, Names: names} }
	for name, test := range map[string]struct {
		config readers.Config
		reader readers.Reader
		want   readers.Sources
	}{
		"everybody":                      {config{Members: true}, in(), all},
		"everybody, groups not known":    {config{Members: true}, unknown, all},
		"nobody is signed in":            {config{Members: true}, nobody, none},
		"not in the group":               {config{Members: true, Sources: private}, in("web"), but("closed", "private")},
		"in the group":                   {config{Members: true, Sources: private}, in("web", "admins"), but("closed")},
		"groups not known":               {config{Members: true, Sources: private}, unknown, but("closed", "private")},
		"an operator is like others":     {config{Members: true, Sources: private}, operator, but("closed", "private")},
		"unless it says so":              {config{Members: true, Sources: private, Operators: true}, operator, all},
		"groups, in none":                {config{Groups: []string{"staff"}}, in("web"), none},
		"groups, in one":                 {config{Groups: []string{"staff"}}, in("staff"), all},
		"groups, not known":              {config{Groups: []string{"staff"}}, unknown, none},
		"an open source":                 {narrow, in(), only("open")},
		"an open source for nobody":      {narrow, nobody, none},
		"the source's group":             {narrow, in("infra"), only("open", "private")},
		"the general group alone":        {narrow, in("staff"), but("private")},
		"the zero Config is for nobody":  {config{}, in("staff"), none},
		"an operator who has no account": {config{Operators: true}, readers.Reader{Operator: true}, all},
	} {
		p := readers.New(test.config)
		got := p.Sources(test.reader)
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
		for _, source := range []string{"", "main", "private", "open", "closed"} {
			if may := p.MayRead(source, test.reader); may != got.Has(source) {
				t.Errorf("%s: MayRead of %q is %v, Sources has %v", name, source, may, got.Has(source))
			}
			if p.Restricted(source) == p.Public().Has(source) {
				t.Errorf("%s: %q is restricted and public, or neither", name, source)
			}
		}
	}
	var absent *readers.Policy
	if !absent.Sources(nobody).All() || absent.Restricts() || absent.Restricted("private") ||
		!absent.MayRead("private", nobody) {
		t.Error("a nil Policy restricts")
	}
}

func TestSourcesAsSQL(t *testing.T) {
	for want, s := range map[string]readers.Sources{
		"": {}, "1 = 0": readers.None(), "s IN ?": {Only: true, Names: []string{"a"}}, "s NOT IN ?": {Names: []string{"a"}},
	} {
		got, args := s.SQL("s")
		if got != want || strings.Contains(want, "?") != (len(args) == 1) {
			t.Errorf("%+v: %q %v, want %q", s, got, args, want)
		}
	}
	if one, other := (readers.Sources{Only: true}), (readers.Sources{}); one.Key() == other.Key() {
		t.Error("all and none have the same key")
	}
}

func TestContextHasSources(t *testing.T) {
	if _, said := readers.From(t.Context()); said {
		t.Error("a context says something that nobody said")
	}
	want := readers.None()
	if got, said := readers.From(readers.With(t.Context(), want)); !said || !reflect.DeepEqual(got, want) {
		t.Errorf("From = %+v, %v", got, said)
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		config readers.Config
		want   string
	}{
		{config{Members: true}, ""},
		{config{Groups: []string{"staff"}, Sources: rules{"x": {Members: true}}}, ""},
		{config{Members: true, Groups: []string{"staff"}}, "groups: names groups while members is true"},
		{config{Groups: []string{"@staff"}}, `groups: "@staff"; expected the name of a group, without @`},
		{config{Groups: []string{""}}, `groups: ""`},
		{config{Sources: rules{"x": {Members: true, Groups: []string{"a"}}}},
			"sources.x: has groups and"},
		{config{Sources: rules{"x": {Groups: []string{" a"}}}}, `sources.x.groups: " a"`},
		{config{Sources: rules{"": {}}}, "sources: has an empty name"},
	} {
		got := ""
		if err := test.config.Check(); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%+v: %q, want %q", test.config, got, test.want)
		}
	}
}

func TestCheckSources(t *testing.T) {
	c := config{Sources: rules{"hub": {}, "old": {Gone: true}}}
	if err := c.CheckSources([]string{"hub", "relay"}); err != nil {
		t.Error(err)
	}
	err := c.CheckSources([]string{"relay", "old"})
	if err == nil || !strings.Contains(err.Error(), "sources.hub: there is no source of this name; expected one of old, relay") ||
		!strings.Contains(err.Error(), "sources.old.gone: true, and there is a source of this name") {
		t.Errorf("CheckSources: %v", err)
	}
}
