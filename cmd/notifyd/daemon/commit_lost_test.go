package daemon

import (
	"bytes"
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
)

// TestCommitWithoutAnswer cuts the connection when the server has committed a batch, and before we hear of it. The
// batch is tried again: each message is stored once, and owed once, also by a filter that has switched itself off.
func TestCommitWithoutAnswer(t *testing.T) {
	wall := migratest.NewWall(t, migratest.Postgres(t))
	d := migratest.Open(t, wall.URL)
	r, _, _, log := aRouter(t, d, about("bash", false), about("vim", true))
	if err := r.persist(t.Context(), []bus.Frame{push("2026-0", "bash")}); err != nil { // and the index is there
		t.Fatal(err)
	}
	commits := 0
	wall.CutAfter(func(sent []byte) bool {
		if bytes.Contains(sent, []byte("commit")) {
			commits++
		}
		return commits == 1
	})
	acked := 0
	frames := []bus.Frame{push("2026-1", "bash"), push("2026-2", "vim"), push("2026-3", "vim")}
	for i := range frames {
		frames[i].Ack = func() { acked++ }
	}
	if err := r.persist(t.Context(), frames); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(log.Bytes(), []byte("cannot store messages; trying again")) {
		t.Fatalf("no answer was cut off; log: %s", log)
	}
	if got := owedTo(t, d); got != "2026-0 2026-1 2026-2" || acked != 3 {
		t.Errorf("owed are %q, want each message once; %d of 3 frames acknowledged", got, acked)
	}
	var stored int64
	if err := d.Reader.Table("messages").Count(&stored).Error; err != nil || stored != 4 {
		t.Errorf("%d messages, want 4, %v", stored, err)
	}
	if on, err := openPrefs(d).Filters.List(t.Context(), 1); err != nil || !switchedOff(on) {
		t.Errorf("the one-shot filter is still on: %+v, %v", on, err)
	}
}

// TestRetryWaitsForTheStandby: after a commit whose answer was lost, the next one waits until the standby has that too,
// even if there is nothing left to write.
func TestRetryWaitsForTheStandby(t *testing.T) {
	pair := migratest.NewPair(t)
	d := migratest.Open(t, pair.URL)
	r, _ := anotherRouter(t, d)
	pair.StopStandby()
	for unsure, patience := range map[bool]time.Duration{false: time.Minute, true: time.Second} {
		r.unsure = unsure
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := d.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return r.insist(tx) })
		if waits := err != nil; waits != unsure {
			t.Errorf("unsure %v: %v", unsure, err)
		}
		cancel()
	}
}

func switchedOff(filters []prefs.Filter) bool {
	for _, f := range filters {
		if f.OneShot && f.On {
			return false
		}
	}
	return len(filters) > 0
}
