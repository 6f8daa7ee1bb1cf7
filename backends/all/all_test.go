package all_test

import (
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/backends/all"
)

func parts() all.Parts {
	return all.Parts{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now, Random: rand.Float64}
}

func TestMediaAreWellFormed(t *testing.T) {
	var names []string
	for _, m := range all.Media() {
		k := m.Kind
		if k.Name == "" || k.Title == "" || k.Doc == "" || k.AddressTitle == "" || k.CheckAddress == nil || m.Open == nil {
			t.Errorf("the medium %q has an empty field", k.Name)
		}
		names = append(names, k.Name)
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("media %v are not in order or not unique", names)
	}
	if len(all.Kinds()) != len(names) {
		t.Errorf("%d kinds, %d media", len(all.Kinds()), len(names))
	}
}

// A section decides by itself whether its medium is used.
func TestOpen(t *testing.T) {
	for _, c := range []struct{ name, medium, text, want string }{
		{"not configured", "email", "{}", "none"},
		{"least", "email", "{host: localhost, from: n@example.org}", "open"},
		{"mistake", "email", "{host: localhost}", "from:"},
		{"unknown key", "email", "{hots: localhost}", "hots"},
		{"not configured", "irc", "{}", "none"},
	} {
		t.Run(c.medium+" "+c.name, func(t *testing.T) {
			i := slices.IndexFunc(all.Media(), func(m all.Medium) bool { return m.Kind.Name == c.medium })
			decode := func(into any) error { return yaml.UnmarshalWithOptions([]byte(c.text), into, yaml.Strict()) }
			b, err := all.Media()[i].Open(decode, parts())
			got := "open"
			switch {
			case err != nil:
				got = err.Error()
			case b == nil:
				got = "none"
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("Open = %q, want %q", got, c.want)
			}
		})
	}
}

func TestOpenGivesTheDecodersError(t *testing.T) {
	boom := errors.New("boom")
	for _, m := range all.Media() {
		if b, err := m.Open(func(any) error { return boom }, parts()); !errors.Is(err, boom) || b != nil {
			t.Errorf("%s: Open = %v, %v, want the decoder's error", m.Kind.Name, b, err)
		}
	}
}
