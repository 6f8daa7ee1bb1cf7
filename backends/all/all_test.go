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

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/internal/drivertest"
	"github.com/notifyd/notifyd/internal/secret"
)

func parts() backends.Parts {
	return backends.Parts{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now, Random: rand.Float64}
}

func TestDriversAreWellFormed(t *testing.T) {
	var names []string
	for _, d := range all.Drivers() {
		info := d.Info
		if info.Name == "" || info.Title == "" || info.Doc == "" || info.AddressTitle == "" || info.CheckAddress == nil ||
			d.Open == nil {
			t.Errorf("the backend %q has an empty field", info.Name)
		}
		names = append(names, info.Name)
		for _, key := range unmarked(d) {
			t.Errorf(`backend %s: the key %s looks like a secret; say secret:"true" or secret:"false" in its tag`, info.Name,
				key)
		}
		if folder := drivertest.Folder(d.Open); !drivertest.CallsKit(t, folder, "backendtest") {
			t.Errorf("backend %s: no test in backends/%s calls backendtest.Run", info.Name, folder)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("drivers %v are not in order or not unique", names)
	}
	if len(all.Infos()) != len(names) {
		t.Errorf("%d infos, %d drivers", len(all.Infos()), len(names))
	}
}

// TestEveryDriverIsListed looks for folders beside this one that have a Driver.
func TestEveryDriverIsListed(t *testing.T) {
	var listed []string
	for _, d := range all.Drivers() {
		listed = append(listed, drivertest.Folder(d.Open))
	}
	for _, folder := range drivertest.Unlisted(t, listed, "func Driver() backends.Driver") {
		t.Errorf("backends/%s has a Driver that backends/all/all.go does not list", folder)
	}
}

// unmarked returns the keys of d's configuration that look like a secret and do not say whether they are.
func unmarked(d backends.Driver) (keys []string) {
	_, _ = d.Open(func(into any) error {
		keys = append(keys, secret.Unmarked(into)...)
		return errors.New("only the form of the configuration was wanted")
	}, parts())
	return keys
}

// A section decides by itself whether its backend is used.
func TestOpen(t *testing.T) {
	for _, c := range []struct{ name, backend, text, want string }{
		{"not configured", "email", "{}", "none"},
		{"least", "email", "{host: localhost, from: n@example.org}", "open"},
		{"mistake", "email", "{host: localhost}", "from:"},
		{"unknown key", "email", "{hots: localhost}", "hots"},
		{"not configured", "irc", "{}", "none"},
		{"without configuration", "desktop", "{}", "open"},
		{"no keys", "desktop", "{listen: here}", "listen"},
	} {
		t.Run(c.backend+" "+c.name, func(t *testing.T) {
			i := slices.IndexFunc(all.Drivers(), func(d backends.Driver) bool { return d.Info.Name == c.backend })
			decode := func(into any) error { return yaml.UnmarshalWithOptions([]byte(c.text), into, yaml.Strict()) }
			b, err := all.Drivers()[i].Open(decode, parts())
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
	for _, d := range all.Drivers() {
		if b, err := d.Open(func(any) error { return boom }, parts()); !errors.Is(err, boom) || b != nil {
			t.Errorf("%s: Open = %v, %v, want the decoder's error", d.Info.Name, b, err)
		}
	}
}
