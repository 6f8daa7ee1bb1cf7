package all_test

import (
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/all"
	"github.com/notifyd/notifyd/internal/drivertest"
	"github.com/notifyd/notifyd/internal/secret"
)

func TestDriversAreWellFormed(t *testing.T) {
	var names []string
	for _, d := range all.Drivers() {
		names = append(names, d.Name)
		if !regexp.MustCompile(`^[a-z]+$`).MatchString(d.Name) || !strings.HasSuffix(d.Doc, ".") || d.Open == nil {
			t.Errorf("driver %q: the name is not one word, the doc %q is no sentence, or Open is nil", d.Name, d.Doc)
			continue
		}
		folder, unmarked := lookedAt(d)
		for _, key := range unmarked {
			t.Errorf(`driver %s: the key %s looks like a secret; say secret:"true" or secret:"false" in its tag`, d.Name, key)
		}
		if !drivertest.CallsKit(t, folder, "directorytest") {
			t.Errorf("driver %s: no test in directory/%s calls directorytest.Run", d.Name, folder)
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
		folder, _ := lookedAt(d)
		listed = append(listed, folder)
	}
	for _, folder := range drivertest.Unlisted(t, listed, "func Driver() directory.Driver") {
		t.Errorf("directory/%s has a Driver that directory/all/all.go does not list", folder)
	}
}

// lookedAt returns the folder of a driver, and the keys of its configuration that look like a secret and do not say
// whether they are.
func lookedAt(d directory.Driver) (folder string, unmarked []string) {
	folder = drivertest.Folder(d.Open)
	_, err := d.Open(func(into any) error {
		unmarked = secret.Unmarked(into)
		return errForm
	}, slog.New(slog.DiscardHandler))
	if !errors.Is(err, errForm) {
		panic("the driver " + d.Name + " does not return the error of decode")
	}
	return folder, unmarked
}

// errForm ends the opening of sources whose configuration alone is looked at.
var errForm = errors.New("only the form of the configuration was wanted")
