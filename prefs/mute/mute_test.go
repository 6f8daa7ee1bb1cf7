package mute_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/prefs/mute"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func day(kind mute.Kind, value string) mute.Mute {
	return mute.Mute{ID: 1, Kind: kind, Value: value, Made: noon, Ends: noon.Add(24 * time.Hour), Errors: true}
}

var build = mute.Facts{App: "koji", Kind: "koji.build.done", Person: "bob", Packages: []string{"bash", "zsh"},
	Objects: []string{"build/7", "tag/f43"}}

func TestWhatAMuteIsOf(t *testing.T) {
	for _, c := range []struct {
		m    mute.Mute
		want bool
	}{
		{day(mute.Object, "build/7"), true}, {day(mute.Object, "tag/f43"), true}, {day(mute.Object, "Build/7"), false},
		{day(mute.Object, "build"), false}, {day(mute.Package, "zsh"), true}, {day(mute.Package, "Bash"), true},
		{day(mute.Package, "ba"), false}, {day(mute.Topic, "koji.build.done"), true}, {day(mute.Topic, "koji.build"), false},
		{day(mute.Person, "bob"), true}, {day(mute.Person, "alice"), false}, {day(mute.App, "koji"), true},
		{day(mute.App, "bodhi"), false}, {day(mute.Filter, "7"), false},
	} {
		if got := c.m.Silences(&build, noon); got != c.want {
			t.Errorf("%s %s: %v", c.m.Kind, c.m.Value, got)
		}
	}
	nobody := mute.Facts{}
	for _, kind := range mute.Kinds {
		if m := day(kind, ""); m.Silences(&nobody, noon) {
			t.Errorf("a mute of no %s silences a message that names none", kind)
		}
	}
}

// TestItEndsOnTheDot: it silences from its first microsecond on, and nothing from its last one on.
func TestItEndsOnTheDot(t *testing.T) {
	ended := day(mute.Package, "bash")
	ended.Ended = noon.Add(time.Hour)
	late := day(mute.Package, "bash")
	late.Ended = late.Ends.Add(time.Hour) // the clock of another node
	for _, c := range []struct {
		m    mute.Mute
		end  time.Duration
		name string
	}{{day(mute.Package, "bash"), 24 * time.Hour, "whole"}, {ended, time.Hour, "ended"}, {late, 24 * time.Hour, "late"}} {
		for at, want := range map[time.Duration]bool{-time.Microsecond: false, 0: true, c.end - time.Microsecond: true,
			c.end: false} {
			if got := c.m.Silences(&build, noon.Add(at)); got != want {
				t.Errorf("%s, after %v: %v", c.name, at, got)
			}
		}
	}
}

func TestErrorsComeThrough(t *testing.T) {
	failed, m := build, day(mute.Package, "bash")
	failed.Error = true
	if m.Silences(&failed, noon) {
		t.Error("an error is silenced")
	}
	m.Errors = false
	if !m.Silences(&failed, noon) {
		t.Error("an error comes through, though it is not to")
	}
	spared := build
	spared.Spared = true
	if m.Silences(&spared, noon) {
		t.Error("what takes a notice back is silenced")
	}
}

func TestUntilItIsSolved(t *testing.T) {
	m := day(mute.Object, "ticket/1")
	m.UntilSolved = true
	comment := mute.Facts{Objects: []string{"ticket/1"}}
	solved := mute.Facts{Objects: []string{"ticket/1"}, Solved: "ticket/1"}
	other := mute.Facts{Objects: []string{"ticket/1", "ticket/2"}, Solved: "ticket/2"}
	list := []mute.Mute{m}
	s := mute.NewSilencer(noon)
	for i, c := range []struct {
		f    mute.Facts
		want bool
	}{{comment, false}, {other, false}, {comment, false}, {solved, true}, {comment, true}, {solved, true}} {
		s.Begin(c.f, nil)
		if got := s.Passes(list, 7); got != c.want {
			t.Errorf("message %d comes through: %v", i, got)
		}
	}
	if n := s.Silenced()[1]; n != 3 || len(s.Ended()) != 1 {
		t.Errorf("silenced %d, ended %v", n, s.Ended())
	}
	// a package that is muted is muted until its end, whatever is solved; and who has no filter for it is heard of
	both := []mute.Mute{day(mute.Package, "bash"), m}
	both[0].ID = 9
	s = mute.NewSilencer(noon)
	solved.Packages = []string{"bash"}
	s.Begin(solved, both)
	if s.Passes(both[:1], 7) || len(s.Ended()) != 1 || s.Ended()[0] != 1 {
		t.Errorf("ended %v", s.Ended())
	}
}

// TestAFilterAlone: a mute of a filter leaves what other filters say of the same message.
func TestAFilterAlone(t *testing.T) {
	list := []mute.Mute{day(mute.Filter, "7")}
	for _, c := range []struct {
		filters []uint64
		want    bool
	}{{[]uint64{7}, true}, {[]uint64{7, 8}, false}, {[]uint64{8}, false}, {nil, false}, {[]uint64{0}, false},
		{[]uint64{7, 7}, true}} {
		if got := mute.All(list, c.filters, &build, noon) != nil; got != c.want {
			t.Errorf("of filters %v all is silenced: %v", c.filters, got)
		}
	}
	list = append(list, mute.Mute{ID: 2, Kind: mute.Person, Value: "bob", Made: noon, Ends: noon.Add(time.Hour)})
	if m := mute.All(list, []uint64{7, 8}, &build, noon); m == nil || m.ID != 1 {
		t.Errorf("by %+v", m)
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*mute.Mute)
		field  string
	}{
		"fine":         {func(*mute.Mute) {}, ""},
		"an hour":      {func(m *mute.Mute) { m.Ends = noon.Add(time.Hour) }, ""},
		"too short":    {func(m *mute.Mute) { m.Ends = noon.Add(time.Hour - 1) }, "ends"},
		"a year":       {func(m *mute.Mute) { m.Ends = noon.Add(366 * 24 * time.Hour) }, ""},
		"too long":     {func(m *mute.Mute) { m.Ends = noon.Add(367 * 24 * time.Hour) }, "ends"},
		"backwards":    {func(m *mute.Mute) { m.Ends = noon.Add(-time.Hour) }, "ends"},
		"no kind":      {func(m *mute.Mute) { m.Kind = "" }, "kind"},
		"other kind":   {func(m *mute.Mute) { m.Kind = "everything\x00" }, "kind"},
		"nothing":      {func(m *mute.Mute) { m.Value = "" }, "value"},
		"a long one":   {func(m *mute.Mute) { m.Value = strings.Repeat("x", 1001) }, "value"},
		"control":      {func(m *mute.Mute) { m.Value = "a\r\nb" }, "value"},
		"no UTF-8":     {func(m *mute.Mute) { m.Value = "a\xff" }, "value"},
		"NUL":          {func(m *mute.Mute) { m.Value = "a\x00" }, "value"},
		"blanks":       {func(m *mute.Mute) { m.Value = " a" }, "value"},
		"escape":       {func(m *mute.Mute) { m.Label = "\x1b[31m" }, "value"},
		"of a filter":  {func(m *mute.Mute) { m.Kind, m.Value = mute.Filter, "7" }, ""},
		"no filter":    {func(m *mute.Mute) { m.Kind, m.Value = mute.Filter, "07" }, "value"},
		"solved thing": {func(m *mute.Mute) { m.Kind, m.UntilSolved = mute.Object, true }, ""},
		"solved app":   {func(m *mute.Mute) { m.Kind, m.UntilSolved = mute.App, true }, "until_solved"},
	} {
		m := day(mute.Package, "bash")
		c.change(&m)
		err := m.Check()
		var wrong *mute.Error
		if (c.field != "") != errors.As(err, &wrong) || wrong != nil && (wrong.Field != c.field || len(err.Error()) > 200) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReasonNamesTheMute(t *testing.T) {
	m := day(mute.Object, "ticket/1")
	m.ID, m.Label = 12, "mute 99: a ticket\nwith lines"
	if got := m.Reason(); mute.ByReason(got) != 12 || strings.ContainsAny(got, "\r\n") {
		t.Errorf("%q", got)
	}
	for _, other := range []string{"", "mute", "mute x: y", "muted 7: x", "thrown away by you", "mute 7", "mute -1:"} {
		if id := mute.ByReason(other); id != 0 {
			t.Errorf("%q names mute %d", other, id)
		}
	}
}

// TestOfNotice: what waits is silenced as what comes.
func TestOfNotice(t *testing.T) {
	n := backends.Notice{App: "koji", Kind: "k", Actor: "bob", Packages: []string{"bash"}, Objects: []string{"b/1"},
		Severity: "critical", Phase: "solved"}
	f := mute.OfNotice(&n)
	if !f.Error || f.Solved != "b/1" || f.Person != "bob" || f.Spared {
		t.Errorf("%+v", f)
	}
	n.Standing, n.Severity, n.Unconfirmed = "unsigned", "warning", true
	if f = mute.OfNotice(&n); f.Error || f.Solved != "" || !f.Spared {
		t.Errorf("%+v", f)
	}
}
