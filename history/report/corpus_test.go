package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestBuiltInOnRealMessages: what the three reports say of messages of real buses.
func TestBuiltInOnRealMessages(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	a.corpora()
	for name, wants := range map[string][]string{
		"this-week":     {"Most active people", "pagure"},
		"owner-changes": {"Orphaned", "php-zmq", "EL-6", "Retired", "libvmime07"},
		"badges":        {"Something on your mind"},
	} {
		r := builtIn(t, name)
		result, err := a.desk().Make(t.Context(), r, readers.Sources{}, monday, monday.AddDate(0, 0, 7))
		if err != nil {
			t.Fatal(err)
		}
		said, err := result.Text()
		if err != nil {
			t.Fatal(err)
		}
		if testing.Verbose() {
			fmt.Println(said)
		}
		for _, want := range wants {
			if !strings.Contains(said, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, said)
			}
		}
	}
}
