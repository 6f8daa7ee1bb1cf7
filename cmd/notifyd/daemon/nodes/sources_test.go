package nodes

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/holes"
	"github.com/notifyd/notifyd/cmd/notifyd/leases"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// A quiet source says when it runs and when it has ended.
type quiet struct{ runs, ended chan struct{} }

func (q quiet) Run(ctx context.Context, _ *bus.Intake) error {
	q.runs <- struct{}{}
	<-ctx.Done()
	q.ended <- struct{}{}
	return nil
}

// TestWhereASourceStandsAfterItsEnd: what was received before a node stops in order is stored after it, and where the
// source stands goes on with it. After a loss of the lease another node says where it stands.
func TestWhereASourceStandsAfterItsEnd(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("lost ", lost), func(t *testing.T) {
			d := migratest.Open(t, migratest.Postgres(t))
			log := slog.New(slog.DiscardHandler)
			counter := func(labels ...string) *prometheus.CounterVec {
				return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "x"}, labels)
			}
			tracker := holes.New(holes.Config{Store: history.NewStore(d.Writer, d.Reader, time.Now), Now: time.Now, Log: log,
				Fillable: func(string) bool { return false }, Metrics: holes.Metrics{Gaps: counter("source"),
					Missing: counter("source"), Filled: counter("source", "by"), TooLate: counter("source")}})
			source := quiet{make(chan struct{}, 9), make(chan struct{}, 9)}
			s := &Sources{Several: true, All: map[string]bus.Source{"hub": source}, Holes: tracker, DB: d.Writer, Log: log,
				Leases: leases.Open(leases.Config{DB: d.Writer, Node: "a", Now: time.Now, Log: log}),
				Names:  func(map[string]bus.Source) []string { return nil }}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.Listening("hub", source, nil)(ctx) }()
			<-source.runs
			carry(t, tracker, d, 1)
			if lost {
				err := d.Writer.Exec("UPDATE leases SET holder = 'b', beat = beat + 1").Error
				if err != nil {
					t.Fatal(err)
				}
				exectest.Eventually(t, 20*time.Second, "it learns that", func() bool { return s.Standby("hub") })
				<-source.ended
			}
			stop()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			carry(t, tracker, d, 2)
			var ids []string
			err := d.Reader.Raw("SELECT msg_id FROM positions WHERE publisher <> ''").Scan(&ids).Error
			if want := map[bool]string{false: "m2", true: "m1"}[lost]; err != nil || !slices.Equal(ids, []string{want}) {
				t.Errorf("the source stands at %v, want %s, %v", ids, want, err)
			}
		})
	}
}

// carry does with a new message what the router does.
func carry(t *testing.T, h *holes.Tracker, d *migrations.DB, i int) {
	t.Helper()
	f := bus.Frame{Source: "hub", Topic: "org.example.test.git.receive", Whole: true, Payload: fmt.Appendf(nil,
		`{"topic":"org.example.test.git.receive","msg_id":"m%d","timestamp":1795262400,"username":"git","msg":{},"i":%d}`,
		i, i)}
	m, err := bus.Decode(f, noon)
	if err != nil {
		t.Fatal(err)
	}
	h.Sight(f, m, false, false)
	if err := d.Writer.Transaction(func(tx *gorm.DB) error { return h.Save(tx, []bool{true}) }); err != nil {
		t.Fatal(err)
	}
	h.Committed()
	h.Routed()
}
