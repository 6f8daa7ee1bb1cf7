package rulespec_test

import (
	"slices"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func TestAppendValuesIsValues(t *testing.T) {
	dir, err := directory.Parse([]byte("groups: {g1: [alice, bob]}\npackages: {bash: {owner: [alice, '@g1']}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := &catalogue.Event{
		Message: &bus.Message{Topic: "org.x.git"}, App: "git", Kind: "git.push", Actor: "alice", Users: []string{"alice", "bob"},
		Packages: []string{"bash", "zsh"}, Severity: catalogue.Error,
	}
	s := &rulespec.Subject{Event: e, Directory: dir}
	for _, field := range append(slices.Clone(rulespec.Fields), "gone") {
		want := append([]string{"before"}, slices.Collect(s.Values(field))...)
		if got := s.AppendValues([]string{"before"}, field); !slices.Equal(got, want) || len(want) == 1 && field != "gone" {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}
