package language_test

import (
	"fmt"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
)

// TestStepsSayWhatTheLibrariesSay holds the fast way of computing expressions and sentences against the libraries whose
// languages they are in: both give the same for every field of every kind built in, on every message that shows it.
func TestStepsSayWhatTheLibrariesSay(t *testing.T) {
	c, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	for _, k := range c.Kinds() {
		examples, err := c.Examples(k.Kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range examples {
			fast, slow := fieldsOf(c, x.Message), []string(nil)
			language.ByLibrary(func() { slow = fieldsOf(c, x.Message) })
			if len(fast) != len(slow) {
				t.Fatalf("%s: %d fields by steps, %d by the libraries", k.Kind, len(fast), len(slow))
			}
			for i := range fast {
				if fast[i] != slow[i] {
					t.Errorf("%s: by steps      %s\nby the libraries %s", k.Kind, fast[i], slow[i])
				}
			}
			fields += len(fast)
		}
	}
	if fields < 3000 {
		t.Errorf("only %d fields were held against each other", fields)
	}
}

// fieldsOf gives all that a catalogue makes of a message.
func fieldsOf(c *catalogue.Catalogue, m *bus.Message) []string {
	e := c.Describe(m)
	all := []string{fmt.Sprintf("%q %q %q %q %q %v", e.Kind, e.Actor, e.Users, e.Packages, e.Objects, e.Severity),
		fmt.Sprintf("%q", e.Prose()), fmt.Sprintf("%+v", e.Digest())}
	for _, o := range c.Try(m).Fields {
		all = append(all, fmt.Sprintf("%s: %q %v", o.Field, o.Text, o.Err))
	}
	return all
}
