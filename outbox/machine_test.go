package outbox

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// A machine drives an outbox by random steps and knows what must hold after each.
type machine struct {
	clock *clock
	o     *Outbox
	db    *migrations.DB
	seed  byte

	added     map[string]bool   // "message destination" of everything ever added
	hands     []claim           // claimed by the process that runs now
	parcels   map[string]string // what went under each parcel id
	sent      map[string]int    // how often the backend took each delivery
	lost      map[string]bool   // taken by the backend, but the process died before it was recorded
	completed map[string]bool   // taken and recorded
	ended     map[string]bool   // cancelled while it was owed
}

func newMachine(t *rapid.T, d *migrations.DB) *machine {
	for _, table := range []string{"deliveries", "contents", "lanes"} {
		if err := d.Writer.Exec("DELETE FROM " + table).Error; err != nil {
			t.Fatal(err)
		}
	}
	m := &machine{
		clock: newClock(), db: d, added: map[string]bool{}, parcels: map[string]string{}, sent: map[string]int{},
		lost: map[string]bool{}, completed: map[string]bool{}, ended: map[string]bool{},
	}
	m.start()
	return m
}

// start begins a new process on the same database.
func (m *machine) start() {
	m.seed++
	m.hands = nil
	m.o = open(m.db, Config{MaxNotices: 3, MaxAttempts: 5, CapCount: 4, CapWindow: 30 * time.Minute}, m.clock.now,
		m.seed)
}

// Add adds a batch, some of it again.
func (m *machine) Add(t *rapid.T) {
	var batch []Delivery
	for range rapid.IntRange(1, 6).Draw(t, "size") {
		d := delivery(fmt.Sprint("m", rapid.IntRange(0, 60).Draw(t, "message")),
			fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "destination")),
			m.clock.now().Add(time.Duration(rapid.SampledFrom([]int{0, 0, 10, 600}).Draw(t, "due in"))*time.Minute))
		d.Together = rapid.Bool().Draw(t, "together")
		d.PullAt = rapid.SampledFrom([]int{0, 3}).Draw(t, "pull at")
		batch = append(batch, d)
	}
	fresh := map[string]bool{}
	for _, d := range batch {
		if key := d.Message + " " + d.Destination; !m.added[key] {
			fresh[key] = true
		}
	}
	err := m.o.writer.Transaction(func(tx *gorm.DB) error {
		n, err := m.o.Add(tx, batch)
		if err == nil && n != len(fresh) {
			t.Fatalf("Add = %d, want %d", n, len(fresh))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range fresh {
		m.added[key] = true
	}
}

// Claim takes parcels and checks what is in them.
func (m *machine) Claim(t *rapid.T) {
	var mine []string
	for _, h := range m.hands {
		mine = append(mine, h.lease)
	}
	claims, err := m.o.claim(t.Context(), "mail", rapid.IntRange(1, 3).Draw(t, "limit"), mine)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range claims {
		m.check(t, c)
		m.hands = append(m.hands, c)
	}
}

func (m *machine) check(t *rapid.T, c claim) {
	if len(c.rows) == 0 || len(c.rows) > 3 || c.parcel == "" {
		t.Fatalf("parcel %q of %d rows", c.parcel, len(c.rows))
	}
	content := ""
	for _, r := range c.rows {
		if r.Destination != c.rows[0].Destination || r.Address != c.rows[0].Address {
			t.Fatalf("parcel %s mixes destinations", c.parcel)
		}
		key := r.Message + " " + r.Destination
		if m.completed[key] || m.ended[key] {
			t.Fatalf("%s is claimed again after it was done or cancelled", key)
		}
		content += key + ", "
	}
	if before, ok := m.parcels[c.parcel]; ok && before != content {
		t.Fatalf("parcel %s went as %s and as %s", c.parcel, before, content)
	}
	m.parcels[c.parcel] = content
	for _, h := range m.hands {
		if h.queue == c.queue {
			t.Fatalf("two parcels for %s in hand", c.queue.destination)
		}
	}
}

// Finish ends a send in hand, or one that it claims: by any answer, and sometimes without recording it because the
// process dies.
func (m *machine) Finish(t *rapid.T) {
	if len(m.hands) == 0 {
		m.Claim(t)
	}
	if len(m.hands) == 0 {
		t.Skip("nothing is due")
	}
	i := rapid.IntRange(0, len(m.hands)-1).Draw(t, "which")
	c := m.hands[i]
	m.hands = append(m.hands[:i:i], m.hands[i+1:]...)
	answer := rapid.SampledFrom([]error{nil, nil, errors.New("later"), backends.ErrRefused,
		backends.ErrUnavailable}).Draw(t, "answer")
	dies := rapid.IntRange(0, 5).Draw(t, "dies") == 0
	for _, r := range c.rows {
		key := r.Message + " " + r.Destination
		if answer == nil {
			m.sent[key]++
			m.lost[key] = m.lost[key] || dies
			m.completed[key] = m.completed[key] || !dies
		}
		if m.sent[key] > 1 && !m.lost[key] {
			t.Fatalf("%s was sent %d times without a crash", key, m.sent[key])
		}
	}
	if dies {
		m.start()
		return
	}
	if err := m.o.complete(t.Context(), []completion{m.o.classify(c, answer, false)}); err != nil {
		t.Fatal(err)
	}
}

// Cancel switches a destination off, also while something is sent there.
func (m *machine) Cancel(t *rapid.T) {
	destination := fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "destination"))
	var owed []row
	err := m.o.writer.Transaction(func(tx *gorm.DB) error {
		var err error
		owed, err = readRows(tx, "WHERE destination = ? AND state IN ?", destination, []State{Waiting, Claimed})
		if err != nil {
			return err
		}
		n, err := m.o.Cancel(tx, []string{destination}, "off")
		if err == nil && n != len(owed) {
			t.Fatalf("Cancel = %d, %d were owed", n, len(owed))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range owed {
		m.ended[r.Message+" "+r.Destination] = true
	}
}

// Resend sends a dead letter again, if the outbox lets it: it must not while it may still be on its way.
func (m *machine) Resend(t *rapid.T) {
	dead, err := readRows(m.db.Reader, "WHERE state = ? ORDER BY id", Dead)
	if err != nil {
		t.Fatal(err)
	}
	if len(dead) == 0 {
		t.Skip("nothing is dead")
	}
	r := rapid.SampledFrom(dead).Draw(t, "letter")
	together := rapid.Bool().Draw(t, "together")
	err = m.o.writer.Transaction(func(tx *gorm.DB) error { return m.o.Resend(tx, r.ID, together) })
	if errors.Is(err, ErrUnsendable) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	delete(m.ended, r.Message+" "+r.Destination)
}

// Crash drops everything in hand.
func (m *machine) Crash(*rapid.T) { m.start() }

// Pass lets time go by.
func (m *machine) Pass(t *rapid.T) {
	m.clock.pass(time.Duration(rapid.SampledFrom([]int{1, 40, 600, 36000}).Draw(t, "seconds")) * time.Second)
}

// Check holds after every step: nothing that was added is missing, and every row is in a state that goes on.
func (m *machine) Check(t *rapid.T) {
	rows, err := readRows(m.db.Reader, "ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(m.added) {
		t.Fatalf("%d rows, %d were added", len(rows), len(m.added))
	}
	open := map[int64]int64{}
	for _, r := range rows {
		key := r.Message + " " + r.Destination
		if !m.added[key] || m.completed[key] && r.State != Done {
			t.Fatalf("row %+v", r)
		}
		if r.State == Waiting || r.State == Claimed {
			if m.ended[key] {
				t.Fatalf("%s was cancelled and is %s", key, r.State)
			}
			open[r.Queue]++
		}
	}
	var queues []queue
	if err := m.db.Reader.Find(&queues).Error; err != nil {
		t.Fatal(err)
	}
	for _, q := range queues {
		if open[q.ID] > 0 && q.ReadyAt == never {
			t.Fatalf("%d deliveries are owed to %s, which is never looked at", open[q.ID], q.Destination)
		}
	}
}

// finish lets a backend that takes everything come back: then nothing may be left.
func (m *machine) finish(t *rapid.T) {
	m.start()
	for range 2000 {
		claims, err := m.o.claim(t.Context(), "mail", 10, nil)
		if err != nil {
			t.Fatal(err)
		}
		var completions []completion
		for _, c := range claims {
			m.check(t, c)
			completions = append(completions, m.o.classify(c, nil, false))
		}
		if err := m.o.complete(t.Context(), completions); err != nil {
			t.Fatal(err)
		}
		next, some, err := m.o.next(t.Context(), "mail")
		if err != nil {
			t.Fatal(err)
		}
		if !some {
			break
		}
		m.clock.pass(max(0, next))
	}
	var left int64
	if err := m.db.Reader.Model(&record{}).Where("state NOT IN ?", []State{Done, Dead}).Count(&left).Error; err != nil ||
		left > 0 {
		t.Fatalf("%d deliveries never ended, %v", left, err)
	}
}

func TestNothingIsLost(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		// The test is of crashes of the process, not of the machine.
		if !d.Postgres {
			d.Writer.Exec("PRAGMA synchronous = OFF")
		}
		rapid.Check(t, func(t *rapid.T) {
			m := newMachine(t, d)
			t.Repeat(rapid.StateMachineActions(m))
			m.Check(t)
			m.finish(t)
			m.Check(t)
		})
	})
}
