package outbox

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// BenchmarkDisk: what a thousand messages of 0.7 kB to the eleven addresses of one person take in the file, once all of
// it was sent. When each delivery had its own text it was 16.7 MB.
func BenchmarkDisk(b *testing.B) {
	const messages, addresses = 1000, 11
	d := migratest.Open(b, migratest.SQLite(b))
	o := open(d, Config{CapCount: -1}, time.Now, 1)
	bytes := func() (n int64) {
		if err := d.Writer.Exec("PRAGMA wal_checkpoint(TRUNCATE)").Error; err != nil {
			b.Fatal(err)
		}
		err := d.Writer.Raw("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").Scan(&n).Error
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	report := func(of string, from int64) { b.ReportMetric(float64(bytes()-from)/1e6, of) }
	for b.Loop() {
		empty := bytes()
		for i := range messages {
			var all []Delivery
			notice := long(fmt.Sprintf("2026-8c1d0e5a-7f0b-4d2e-9a51-%012d", i), i)
			for j := range addresses {
				one := delivery(notice.ID, fmt.Sprint(100+j), time.Now())
				one.Notice = notice
				one.Owner, one.Reasons = "7", []Reason{{Filter: 31, Revision: 44}}
				all = append(all, one)
			}
			add(b, o, all...)
		}
		report("MB-waiting", empty)
		sendAll(b, o, d)
		report("MB-sent", empty)
		if err := o.slim(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := d.Writer.Exec("VACUUM").Error; err != nil {
			b.Fatal(err)
		}
		report("MB-slim", empty)
	}
}

func long(id string, i int) backends.Notice {
	return backends.Notice{ID: id, Topic: "org.example.prod.buildsys.build.state.change", Time: time.Now().UTC(),
		App:  "koji",
		Kind: "koji.build", KindName: "Builds", Title: fmt.Sprintf("[bash] build %d of bash-5.3-%d.el9 has finished", i, i),
		Text: fmt.Sprintf("alice's build %d of bash-5.3-%d.el9 has finished after 12 minutes on five architectures, and was "+
			"tagged into the candidate of the next update. What has changed since the last one is in the change log.", i, i),
		Link: fmt.Sprintf("https://koji.example.org/buildinfo?buildID=%d", i), Icon: "https://apps.example.org/koji.png",
		Actor: "alice", Users: []string{"alice", "bob"}, Packages: []string{"bash"},
		Objects:  []string{fmt.Sprint("builds/", i)},
		Severity: "info", Grouping: backends.Grouping{Keys: []string{"package bash"}}}
}

func sendAll(b *testing.B, o *Outbox, d *migrations.DB) {
	for {
		claims, err := o.claim(b.Context(), "mail", 100, nil)
		if err != nil {
			b.Fatal(err)
		}
		if len(claims) == 0 {
			break
		}
		var done []completion
		for _, c := range claims {
			done = append(done, o.classify(c, nil, false))
		}
		if err := o.complete(b.Context(), done); err != nil {
			b.Fatal(err)
		}
	}
	var left int64
	if err := d.Reader.Model(&record{}).Where("state <> ?", Done).Count(&left).Error; err != nil || left > 0 {
		b.Fatalf("%d are left, %v", left, err)
	}
}
