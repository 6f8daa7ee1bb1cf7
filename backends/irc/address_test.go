package irc_test

import (
	"log/slog"
	"math/rand/v2"
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
		{"alice@libera\r\nQUIT", "", "network"},
		{"alice@libera trailing", "", "network"},
		{"alice\r\nPRIVMSG bob :x@libera", "", "another character"},
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

// aBackend makes a backend for networks that is never run.
func aBackend(t testing.TB, networks ...irc.Network) *irc.Backend {
	t.Helper()
	b, err := irc.New(irc.Config{Networks: networks}, slog.New(slog.DiscardHandler), rand.Float64)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOneNickIsOneAddress, however it is written: the network always stands in it, by its name in the configuration.
func TestOneNickIsOneAddress(t *testing.T) {
	libera := irc.Network{Name: "libera", Address: "irc.libera.chat:6667", Nick: "notifyd"}
	oftc := irc.Network{Name: "oftc", Address: "irc.oftc.net:6667", Nick: "notifyd"}
	one, two := aBackend(t, libera), aBackend(t, libera, oftc)
	for _, test := range []struct {
		b                 *irc.Backend
		in, want, problem string
	}{
		{one, "Alice", "alice@libera", ""},
		{one, "alice@LIBERA", "alice@libera", ""},
		{one, "irc://irc.libera.chat/alice", "alice@libera", ""},
		{one, "alice@irc.libera.chat", "alice@libera", ""},
		{one, "alice@oftc", "", `there is no network "oftc" here; there is libera`},
		{two, "alice@oftc", "alice@oftc", ""},
		{two, "ircs://irc.oftc.net/Alice,isnick", "alice@oftc", ""},
		{two, "alice", "", "the network is missing: write nick@network, with one of libera, oftc"},
		{two, "#channel@oftc", "", "channel"},
	} {
		got, err := test.b.Info().CheckAddress(test.in)
		switch {
		case test.problem == "" && (err != nil || got != test.want):
			t.Errorf("CheckAddress(%q) = %q, %v, want %q", test.in, got, err, test.want)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem) || got != ""):
			t.Errorf("CheckAddress(%q) = %q, %v, want an error about %q", test.in, got, err, test.problem)
		}
	}
}

// FuzzAddress: whatever is typed, an address that is accepted is one word without controls, and is its own canonical
// form.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"alice", "Alice[x]@libera", "irc://libera/alice,isnick", "a\r\nQUIT@libera", "\xff", "é@x",
		"alice@libera\x00", "ircs://irc.libera.chat/\\~"} {
		f.Add(seed)
	}
	b := aBackend(f, irc.Network{Name: "libera", Address: "irc.libera.chat:6667", Nick: "notifyd"})
	f.Fuzz(func(t *testing.T, typed string) {
		for _, check := range []func(string) (string, error){irc.Info.CheckAddress, b.Info().CheckAddress} {
			got, err := check(typed)
			if err != nil {
				continue
			}
			if strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }) {
				t.Errorf("%q is accepted as %q", typed, got)
			}
			if again, err := check(got); err != nil || again != got {
				t.Errorf("%q becomes %q, and that %q, %v", typed, got, again, err)
			}
		}
	})
}
