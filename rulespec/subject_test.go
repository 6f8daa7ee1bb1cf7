package rulespec_test

import (
	"slices"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func TestAppendValues(t *testing.T) {
	dir, err := directory.Parse([]byte("groups: {g1: [alice, bob]}\npackages: {bash: {owner: [alice, '@g1']}}\n" +
		"people: {alice: {bot: true}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := &catalogue.Event{
		Message: &bus.Message{Topic: "org.x.git", Standing: bus.Standing{Verdict: bus.Signed, Signer: "git01"}},
		App:     "git", Kind: "git.push", Actor: "alice",
		Users:    []string{"alice", "bob"},
		Packages: []string{"bash", "zsh"}, Severity: catalogue.Error, Keyword: catalogue.KeywordCommit,
		Objects: []string{"ticket/7"}, Groups: []string{"g1", "unheard-of"},
	}
	e.SetRoles(catalogue.Roles{Author: []string{"alice"}, Assigned: []string{"bob"}, Mentioned: []string{"carol", "dave"},
		Watchers: []string{"erin"}})
	s := &rulespec.Subject{Event: e, Directory: dir}
	want := map[string][]string{
		"topic": {"org.x.git"}, "app": {"git"}, "kind": {"git.push"}, "actor": {"alice"}, "user": {"alice", "bob"},
		"package": {"bash", "zsh"}, "severity": {"debug", "info", "warning", "error"}, "group": {"g1", "g1"},
		"owner": {"alice", "alice", "bob"}, "ownergroup": {"g1"}, "proved": {""}, "signer": {"git01"}, "everything": {""},
		"bot": {""}, "keyword": {"commit"}, "object": {"ticket/7"}, "author": {"alice"}, "assigned": {"bob"},
		"mentioned": {"carol", "dave"}, "watcher": {"erin"}, "holder": {"alice"}, "team": {"alice", "bob", "alice", "bob"},
		"gone": nil,
	}
	for _, field := range append(slices.Clone(rulespec.Fields), "gone") {
		values, known := want[field]
		if got := s.AppendValues([]string{"before"}, field); !known ||
			!slices.Equal(got, append([]string{"before"}, values...)) {
			t.Errorf("%s: %q, want %q", field, got, values)
		}
	}
	alone := &rulespec.Subject{Event: e}
	for _, field := range []string{"group", "owner", "ownergroup", "bot", "holder", "team"} {
		if got := alone.AppendValues(nil, field); len(got) > 0 {
			t.Errorf("%s without a directory: %q", field, got)
		}
	}
}
