package datagrepper_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web/datagrepper"
)

// The end of an archive of contrib/bench/archive.
var archiveEnd = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

// The topics of such an archive begin with these.
const fedora = "org.fedoraproject.prod."

// archiveQueries are asked by BenchmarkArchive. Of the names babababa is in a ninth of all messages, kafetomo in one of
// 18, kernel in one of 40, seldomwright in 40 and xrarely-built in 3.
var archiveQueries = []struct{ name, query string }{
	{"newest", "/raw"},
	{"day", "/raw?delta=86400"},
	{"hour of a topic", "/raw?delta=3600&topic=" + fedora + "copr.build.end"},
	{"topic", "/raw?topic=" + fedora + "bodhi.update.comment"},
	{"frequent topic", "/raw?topic=" + fedora + "copr.build.end"},
	{"category", "/raw?category=bodhi"},
	{"frequent category", "/raw?category=buildsys"},
	{"category in a week", "/raw?category=buildsys&delta=604800"},
	{"categories", "/raw?category=bodhi&category=planet&category=wiki"},
	{"rare package", "/raw?package=xrarely-built"},
	{"package", "/raw?package=perl-nupekara"},
	{"frequent package", "/raw?package=kernel"},
	{"rare user", "/raw?user=seldomwright"},
	{"user", "/raw?user=banuguha"},
	{"frequent user", "/raw?user=babababa"},
	{"rare agent", "/raw?agent=seldomwright"},
	{"frequent agent", "/raw?agent=babababa"},
	{"user and package", "/raw?user=banuguha&package=perl-nupekara"},
	{"two frequent: user and package", "/raw?user=babababa&package=kernel"},
	{"frequent user and category", "/raw?user=babababa&category=bodhi"},
	{"frequent user and frequent category", "/raw?user=babababa&category=buildsys"},
	{"frequent user and topic", "/raw?user=babababa&topic=" + fedora + "bodhi.update.comment"},
	{"rare user and frequent category", "/raw?user=seldomwright&category=git"},
	{"package and category", "/raw?package=kernel&category=bodhi"},
	{"package and topic", "/raw?package=kernel&topic=" + fedora + "git.receive"},
	{"two that never meet", "/raw?package=bash&topic=" + fedora + "kerneltest.upload.new"},
	{"two frequent that never meet", "/raw?package=kernel&category=copr"},
	{"agent and package", "/raw?agent=kafetomo&package=kernel"},
	{"users", "/raw?user=babababa&user=kafetomo&user=seldomwright"},
	{"not a rare user", "/raw?category=bodhi&not_user=seldomwright"},
	{"not a frequent user", "/raw?category=bodhi&not_user=babababa"},
	{"not a category", "/raw?not_category=copr"},
	{"not a topic of a user", "/raw?user=kafetomo&not_topic=" + fedora + "git.receive"},
	{"page 40", "/raw?category=bodhi&page=40"},
	{"page 4000", "/raw?category=buildsys&page=4000"},
	{"page 40 of a user and a package", "/raw?user=babababa&package=kernel&page=40"},
	{"oldest first", "/raw?category=bodhi&order=asc"},
	{"a day in the past", "/raw?category=bodhi&start=1789000000&delta=86400"},
	{"contains with a topic", "/raw?delta=604800&contains=Packaging:Guide&topic=" + fedora + "wiki.article.edit"},
	{"contains with a category", "/raw?delta=604800&contains=tea&category=bodhi"},
	{"meta", "/raw?category=bodhi&meta=summary&meta=url&rows_per_page=100"},
	{"chart of a category", "/charts/line?category=bodhi"},
	{"chart of a year", "/charts/line"},
	{"chart by category", "/charts/stackedbar?split_on=categories&category=git&category=bodhi&category=buildsys"},
	{"chart of users", "/charts/bar?split_on=users&user=seldomwright&user=babababa&category=bodhi"},
	{"messagecount", "/messagecount"},
	{"id", "/id?id="},
}

// BenchmarkArchive asks an archive of contrib/bench/archive in a database, NOTIFYD_ARCHIVE:
//
//	NOTIFYD_ARCHIVE=notifyd.db go test ./web/datagrepper -run XXX -bench Archive -benchtime 30x
//
// It reports the median and the 99th hundredth of the time, and how many messages the query selects.
func BenchmarkArchive(b *testing.B) {
	dsn := os.Getenv("NOTIFYD_ARCHIVE")
	if dsn == "" {
		b.Skip("NOTIFYD_ARCHIVE names no database")
	}
	d, err := migrations.Config{DSN: dsn}.Join(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.Close(); err != nil {
			b.Error(err)
		}
	})
	known, err := catalogue.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	store := history.NewStore(nil, d.Reader, func() time.Time { return archiveEnd })
	options := datagrepper.Options{History: store, Describe: known.Describe,
		Now: func() time.Time { return archiveEnd }, Log: slog.New(slog.DiscardHandler)}
	newest, err := store.Select(context.Background(), history.Selection{}, 100, 1)
	if err != nil || len(newest) == 0 {
		b.Fatal(err)
	}
	for _, q := range archiveQueries {
		target := q.query
		if strings.HasSuffix(target, "id=") {
			target += newest[0].MsgID
		}
		b.Run(strings.ReplaceAll(q.name, " ", "_"), func(b *testing.B) { askOften(b, options, target) })
	}
}

func askOften(b *testing.B, o datagrepper.Options, target string) {
	var times []time.Duration
	var body string
	for b.Loop() {
		handler, err := datagrepper.Handler(o) // a new one, which has kept no total
		if err != nil {
			b.Fatal(err)
		}
		begun := time.Now()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		times = append(times, time.Since(begun))
		if body = w.Body.String(); w.Code != http.StatusOK {
			b.Fatalf("%s: %d %s", target, w.Code, body[:min(200, len(body))])
		}
	}
	slices.Sort(times)
	b.ReportMetric(milliseconds(times[len(times)/2]), "ms-median")
	b.ReportMetric(milliseconds(times[len(times)*99/100]), "ms-99%")
	b.ReportMetric(float64(selected(body)), "rows")
	b.ReportMetric(0, "ns/op")
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// selected is how many messages an answer speaks of.
func selected(body string) (n int64) {
	var a struct{ Total, MessageCount int64 }
	if json.Unmarshal([]byte(body), &a) == nil {
		return cmp.Or(a.Total, a.MessageCount)
	}
	for _, value := range regexp.MustCompile(`<desc class="value">(\d+)`).FindAllStringSubmatch(body, -1) {
		one, err := strconv.ParseInt(value[1], 10, 64)
		if err != nil {
			panic(fmt.Sprint("a chart that says ", value[1]))
		}
		n += one
	}
	return n
}
