package irc_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends/irc"
)

func TestCheckAddress(t *testing.T) {
	tests := []struct{ in, want, problem string }{
		{"alice", "alice", ""},
		{" Alice@Libera ", "alice@libera", ""},
		{"irc://libera/Alice", "alice@libera", ""},
		{"ircs://irc.libera.chat/alice,isnick", "alice@irc.libera.chat", ""},
		{"[a]\\`_^{|}-9@oftc", "[a]\\`_^{|}-9@oftc", ""},
		{"", "", "missing"},
		{"@libera", "", "missing"},
		{"#channel", "", "channel"},
		{"&local@libera", "", "channel"},
		{"irc://libera/#channel", "", "channel"},
		{"a,b@libera", "", "another character"},
		{"a b@libera", "", "another character"},
		{"a\r\nQUIT", "", "another character"},
		{"a\x00", "", "another character"},
		{"9lives", "", "another character"},
		{"-a", "", "another character"},
		{"zoë@libera", "", "another character"},
		{"*", "", "another character"},
		{"alice@", "", "network"},
		{"alice@a b", "", "network"},
		{"alice@libera@oftc", "", "network"},
		{"alice!u@h", "", "another character"},
		{"irc://libera", "", "no nick"},
		{"https://libera/alice", "", "nick@network"},
		{strings.Repeat("a", 41), "", "longer"},
		{strings.Repeat("a", 1000), "", "too long"},
	}
	for _, test := range tests {
		got, err := irc.Info.CheckAddress(test.in)
		switch {
		case test.problem == "" && (err != nil || got != test.want):
			t.Errorf("CheckAddress(%q) = %q, %v, want %q", test.in, got, err, test.want)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem) || got != ""):
			t.Errorf("CheckAddress(%q) = %q, %v, want an error about %q", test.in, got, err, test.problem)
		}
	}
}
