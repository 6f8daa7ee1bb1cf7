package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func archive(t *testing.T, args ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := run(args, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestTheCatalogueKnowsAll reads an archive as an import does: each message is known, and is about whom and what its
// record says.
func TestTheCatalogueKnowsAll(t *testing.T) {
	known, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	var last time.Time
	topics, apps, all := map[string]bool{}, map[string]bool{}, 0
	for line := range bytes.Lines(archive(t, "-n", "20000")) {
		var record struct {
			Agent           *string `json:"agent_name"`
			Users, Packages []string
		}
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		frames, broken, archived := bus.ReadArchived(line)
		if broken > 0 || !archived || len(frames) != 1 {
			t.Fatalf("cannot be read: %s", line)
		}
		m, err := bus.Decode(frames[0], time.Time{})
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		e := known.Describe(m)
		slices.Sort(e.Users)
		slices.Sort(e.Packages)
		if !slices.Equal(e.Users, record.Users) || !slices.Equal(e.Packages, record.Packages) ||
			record.Agent != nil && *record.Agent != e.Actor || record.Agent == nil && e.Actor != "" {
			t.Fatalf("%s: the catalogue says %q did it, about %q and %q: %s", m.Topic, e.Actor, e.Users, e.Packages, line)
		}
		if m.Time.Before(last) {
			t.Fatalf("%v comes after %v", m.Time, last)
		}
		last, topics[m.Topic], apps[e.App], all = m.Time, true, true, all+1
	}
	if shapes, err := readShapes(); err != nil || all != 20000 || len(topics) < len(shapes)*4/5 || len(apps) < 25 {
		t.Errorf("%d messages, %d topics of %d applications, %v", all, len(topics), len(apps), err)
	}
}

func TestTheSameSeedGivesTheSameArchive(t *testing.T) {
	one := archive(t, "-n", "3000", "-seed", "7")
	if !bytes.Equal(one, archive(t, "-n", "3000", "-seed", "7")) {
		t.Error("the same seed gives another archive")
	}
	if bytes.Equal(one, archive(t, "-n", "3000", "-seed", "8")) {
		t.Error("another seed gives the same archive")
	}
	if sent := archive(t, "-n", "10", "-form", "fedmsg"); bytes.Contains(sent, []byte("datanommer")) {
		t.Errorf("as it was sent it says who kept it: %s", sent)
	}
}

// TestRareNamesAreAsRareAsTheySay, and the frequent ones are frequent.
func TestRareNamesAreAsRareAsTheySay(t *testing.T) {
	text := string(archive(t, "-n", "50000"))
	count := func(name string) (lines int) {
		for line := range strings.Lines(text) {
			if strings.Contains(line, `"`+name+`"`) {
				lines++
			}
		}
		return lines
	}
	if n := count(Rare); n != rareTimes {
		t.Errorf("%s is in %d messages", Rare, n)
	}
	if n := count(Seldom); n != seldomTimes {
		t.Errorf("%s is in %d messages", Seldom, n)
	}
	if n := count("kernel"); n < 50000/50 {
		t.Errorf("kernel is in %d messages", n)
	}
}
