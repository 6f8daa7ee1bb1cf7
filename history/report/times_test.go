package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestGroupsOfTimes: weekdays and hours stand in their order and in the zone of the report, all of them, where nothing
// else is said.
func TestGroupsOfTimes(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	edit := func(hours int) *bus.Message {
		return a.message(monday.Add(time.Duration(hours)*time.Hour), "org.example.prod.wiki.article.edit",
			map[string]any{"user": "alice"})
	}
	a.keep(edit(1), edit(23), edit(30), edit(100), edit(101), edit(160)) // UTC: Mon, Mon, Tue, Fri, Fri, Sun
	r := parse(t, `
report: times
title: Times
zone: Europe/Berlin
sections:
  - {title: A, group: weekday, columns: [{value: hour}]}
  - {title: B, group: weekday, sort: count}
  - {title: C, group: hour}
  - {title: D, group: 'weekday + " " + hour', sort: name}
`)
	made, err := a.desk().Make(t.Context(), r, readers.Sources{}, monday, monday.AddDate(0, 0, 7))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Monday Tuesday Friday Sunday", "Friday Tuesday Monday Sunday",
		"00:00 02:00 05:00 06:00 07:00 17:00",
		"Friday 05:00,Friday 06:00,Monday 02:00,Sunday 17:00,Tuesday 00:00,Tuesday 07:00"} {
		var names []string
		for _, row := range made.Sections[i].Rows {
			names = append(names, row.Name)
		}
		got := strings.Join(names, " ")
		if strings.Contains(want, ",") {
			got = strings.Join(names, ",")
		}
		if got != want {
			t.Errorf("section %d: %s, want %s", i, got, want)
		}
	}
}

// TestAllDaysOfAMonth: none is left out.
func TestAllDaysOfAMonth(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	a.now = monday.AddDate(0, 0, 40)
	for day := range 31 {
		a.keep(a.message(monday.AddDate(0, 0, day-1), "org.example.prod.wiki.article.edit", map[string]any{"user": "alice"}))
	}
	r := parse(t, "report: days\ntitle: Days\nwindow: month\nsections: [{title: A, group: day}]\n")
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	made, err := a.desk().Make(t.Context(), r, readers.Sources{}, start, start.AddDate(0, 1, 0))
	if err != nil || len(made.Sections[0].Rows) != 31 || made.Sections[0].Rows[30].Name != "2026-03-31" {
		t.Errorf("%+v, %v", made, err)
	}
}

// TestLongNamesAreWhole: a name that is wider than its column stands in a line of its own.
func TestLongNamesAreWhole(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	long := "https://bodhi.example.org/updates/FEDORA-2026-0123456789"
	a.keep(a.message(monday, "org.example.prod.wiki.article.edit", map[string]any{"user": "alice", "title": long}))
	r := parse(t, "report: long\ntitle: Long\nsections: [{title: A, group: msg.title}]\n")
	made, err := a.desk().Make(t.Context(), r, readers.Sources{}, monday, monday.AddDate(0, 0, 7))
	if err != nil {
		t.Fatal(err)
	}
	if said, err := made.Text(); err != nil || !strings.Contains(said, "\n  "+long+"\n"+strings.Repeat(" ", 49)+"1") {
		t.Errorf("%s, %v", said, err)
	}
}
