package all_test

import (
	"errors"
	"log/slog"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/all"
	"github.com/notifyd/notifyd/internal/drivertest"
	"github.com/notifyd/notifyd/internal/secret"
)

// TestDriversAreWellFormed checks what bustest checks for one driver, and what it cannot see: that bustest is called.
func TestDriversAreWellFormed(t *testing.T) {
	var names []string
	for _, d := range all.Drivers() {
		names = append(names, d.Name)
		if !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(d.Name) || !strings.HasSuffix(d.Doc, ".") || d.Open == nil {
			t.Errorf("driver %q: the name is not one word, the doc %q is no sentence, or Open is nil", d.Name, d.Doc)
			continue
		}
		for _, key := range unmarked(d) {
			t.Errorf(`driver %s: the key %s looks like a secret; say secret:"true" or secret:"false" in its tag`, d.Name, key)
		}
		if folder := folderOf(d); !drivertest.CallsKit(t, folder, "bustest") {
			t.Errorf("driver %s: no test in bus/%s calls bustest.Run", d.Name, folder)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("the drivers %q are not in order, or two have one name", names)
	}
}

// TestEveryDriverIsListed looks for folders beside this one that have a Driver.
func TestEveryDriverIsListed(t *testing.T) {
	var listed []string
	for _, d := range all.Drivers() {
		listed = append(listed, folderOf(d))
	}
	for _, folder := range drivertest.Unlisted(t, listed, "func Driver() bus.Driver") {
		t.Errorf("bus/%s has a Driver that bus/all/all.go does not list", folder)
	}
}

// folderOf returns the folder of a driver: that of the type of its configuration.
func folderOf(d bus.Driver) (folder string) {
	_, _ = d.Open(func(into any) error {
		folder = path.Base(reflect.TypeOf(into).Elem().PkgPath())
		return errForm
	}, slog.New(slog.DiscardHandler))
	return folder
}

// errForm ends the opening of a source whose configuration alone is looked at.
var errForm = errors.New("only the form of the configuration was wanted")

// unmarked gives the keys of d's configuration that look like a secret and do not say whether they are.
func unmarked(d bus.Driver) (keys []string) {
	_, _ = d.Open(func(into any) error {
		keys = append(keys, secret.Unmarked(into)...)
		return errForm
	}, slog.New(slog.DiscardHandler))
	return keys
}
