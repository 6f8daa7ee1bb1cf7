package archive

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/bus/backlog"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

// Open opens the history that a configuration names, or else the datagrepper. name is what the database knows us by;
// since is from when on it will be asked.
func Open(ctx context.Context, f *config.File, name string, since time.Time, now func() time.Time) (a Archive,
	closed func() error, err error) {
	set, err := daemon.LoadSettings(f)
	switch {
	case err != nil:
		return nil, nil, err
	case f.Has("database.dsn"):
		db, err := migrations.Config{DSN: set.Database.DSN, Name: name}.Join(ctx)
		if err != nil {
			return nil, nil, err
		}
		return History{Store: history.NewStore(db.Writer, db.Reader, now)}, db.Close, nil
	case set.Backlog.Datagrepper != "":
		set.Backlog.Window = max(set.Backlog.Window, now().Sub(since)+time.Hour)
		asked := Datagrepper{Fetcher: backlog.NewDatagrepper(set.Backlog, now), Now: now}
		return asked, func() error { return nil }, nil
	}
	return nil, nil, errors.New("--since: the configuration names neither the database of a notifyd (database.dsn) nor a " +
		"datagrepper (bus.backlog.datagrepper)")
}

// days is a number of days or weeks, which time.ParseDuration does not know.
var days = regexp.MustCompile(`^([0-9]{1,5})([dw])$`)

// layouts are the forms of a time. Without a zone it is that of the machine.
var layouts = []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateTime}

// Since reads a time before now: how long ago, such as 90m, 36h, 2d or 1w, a date, a date and a time of day, or RFC
// 3339.
func Since(text string, now time.Time) (time.Time, error) {
	at, err := parse(text, now)
	switch {
	case err != nil:
		return time.Time{}, err
	case at.After(now):
		return time.Time{}, fmt.Errorf("%s is still to come", at.Format(time.RFC3339))
	}
	return at, nil
}

// epoch is a number of seconds since 1970, as datagrepper takes.
var epoch = regexp.MustCompile(`^([0-9]{9,11})(\.[0-9]+)?$`)

// Moment reads a time as Since does, also one that is still to come, or as seconds since 1970.
func Moment(text string, now time.Time) (time.Time, error) {
	if m := epoch.FindStringSubmatch(text); m != nil {
		seconds, _ := strconv.ParseInt(m[1], 10, 64)
		return time.Unix(seconds, 0), nil
	}
	return parse(text, now)
}

func parse(text string, now time.Time) (time.Time, error) {
	if m := days.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		if m[2] == "w" {
			n *= 7
		}
		return now.Add(-time.Duration(n) * 24 * time.Hour), nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q; expected how long ago, such as 90m or 2d, a date such as 2026-11-29, or a time "+
		"such as 2026-11-29T08:00", text)
}
