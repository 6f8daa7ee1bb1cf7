package passkeys

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs/accounts"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A world is users 1 and 2 at a site.
type world struct {
	*Store
	t     *testing.T
	party *Party
	clock time.Time
	heard []accounts.Happened
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		w := &world{t: t, clock: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)}
		party, err := NewParty("https://notify.example.org/notify")
		try(t, err)
		w.party = party
		w.Store = NewStore(d.Writer, d.Reader, func() time.Time { return w.clock },
			func(_ *gorm.DB, h accounts.Happened) error { w.heard = append(w.heard, h); return nil })
		for id := 1; id <= 2; id++ {
			try(t, d.Writer.Exec("INSERT INTO users (id, name, zone, created_at, proof) VALUES (?, ?, '', 0, 'claimed')",
				id, fmt.Sprint("user", id)).Error)
		}
		f(t, w)
	})
}

func (w *world) list(user uint) []Passkey {
	w.t.Helper()
	list, err := w.List(w.t.Context(), user)
	try(w.t, err)
	return list
}

func (w *world) askAdd(user uint, name string) Ceremony {
	w.t.Helper()
	c, err := w.party.AskAdd(user, "alice", name, w.list(user), w.clock)
	try(w.t, err)
	return c
}

func (w *world) askUse(user uint) Ceremony {
	w.t.Helper()
	w.clock = w.clock.Add(time.Second)
	c, err := w.party.AskUse(user, w.list(user), w.clock)
	try(w.t, err)
	return c
}

func (w *world) prove(user uint, c Ceremony, answer []byte) error {
	return w.Prove(w.t.Context(), w.party, user, c, answer)
}

func (w *world) add(user uint, d *device, name string) {
	w.t.Helper()
	c := w.askAdd(user, name)
	try(w.t, w.Add(w.t.Context(), w.party, user, c, d.makes(c)))
}

func (w *world) wants(got, want error, when string) {
	w.t.Helper()
	if !errors.Is(got, want) {
		w.t.Errorf("%s: %v; want %v", when, got, want)
	}
}

// TestAPasskeyIsShown: it is added, shown and removed; each is noted and told.
func TestAPasskeyIsShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := newDevice(t)
		w.add(1, d, "  my\nphone ")
		if list := w.list(1); len(list) != 1 || list[0].Name != "my phone" || !list[0].Used.IsZero() {
			t.Fatalf("%+v", list)
		}
		c := w.askUse(1)
		try(t, w.prove(1, c, d.shows(c)))
		if list := w.list(1); !list[0].Used.Equal(w.clock) {
			t.Errorf("used %s", list[0].Used)
		}
		again := w.askAdd(1, "the same")
		w.wants(w.Add(t.Context(), w.party, 1, again, d.makes(again)), ErrKnown, "twice")
		w.wants(w.Remove(t.Context(), 2, w.list(1)[0].ID), ErrNone, "somebody else's")
		try(t, w.Remove(t.Context(), 1, w.list(1)[0].ID))
		w.wants(w.Reset(t.Context(), 1), ErrNone, "none is left")
		if len(w.heard) != 2 || w.heard[0].Kind != accounts.PasskeyAdded || w.heard[1].Kind != accounts.PasskeyRemoved ||
			w.heard[1].About != "my phone" {
			t.Errorf("told: %+v", w.heard)
		}
		entries, err := w.audit.Of(t.Context(), 1, 0, 10)
		if err != nil || len(entries) != 2 || entries[0].What != accounts.PasskeyRemove ||
			entries[1].After["passkey"] != "my phone" {
			t.Errorf("noted: %+v, %v", entries, err)
		}
	})
}

// TestWhatIsNoProof: replays, others' passkeys and ceremonies, late answers, other sites, changed answers.
func TestWhatIsNoProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alice, bob := newDevice(t), newDevice(t)
		w.add(1, alice, "alice's")
		w.add(2, bob, "bob's")

		c := w.askUse(1)
		w.wants(w.prove(1, c, bob.shows(c)), ErrWrong, "another user's passkey")
		w.wants(w.prove(2, c, bob.shows(c)), ErrWrong, "another user's ceremony")
		w.wants(w.prove(2, w.askUse(2), alice.shows(c)), ErrWrong, "another ceremony's answer")
		thief := newDevice(t)
		thief.id = alice.id
		w.wants(w.prove(1, c, thief.shows(c)), ErrWrong, "another key under the same id")
		elsewhere := *alice
		elsewhere.origin = "https://evil.example.org"
		w.wants(w.prove(1, c, elsewhere.shows(c)), ErrWrong, "another origin")
		elsewhere.origin, elsewhere.host = alice.origin, "evil.example.org"
		w.wants(w.prove(1, c, elsewhere.shows(c)), ErrWrong, "another host")
		for _, junk := range []string{"", "{}", "[]", "null", `{"id":"AQ","rawId":"AQ","type":"public-key","response":{}}`} {
			w.wants(w.prove(1, c, []byte(junk)), ErrWrong, junk)
		}
		adds := w.askAdd(1, "")
		w.wants(w.prove(1, adds, alice.shows(adds)), ErrWrong, "a ceremony that adds")
		w.wants(w.Add(t.Context(), w.party, 1, c, newDevice(t).makes(c)), ErrWrong, "a ceremony that shows")
		w.wants(w.Add(t.Context(), w.party, 2, adds, newDevice(t).makes(adds)), ErrWrong, "another user's new passkey")

		answer := alice.shows(c)
		try(t, w.prove(1, c, answer))
		w.wants(w.prove(1, c, answer), ErrWrong, "replayed")
		w.wants(w.prove(1, c, alice.shows(c)), ErrWrong, "the ceremony once more")

		late := w.askUse(1)
		lateAdd := w.askAdd(1, "")
		w.clock = w.clock.Add(Life)
		w.wants(w.prove(1, late, alice.shows(late)), ErrWrong, "late")
		w.wants(w.Add(t.Context(), w.party, 1, lateAdd, newDevice(t).makes(lateAdd)), ErrWrong, "added late")
		gone := w.askUse(1)
		try(t, w.Reset(t.Context(), 1))
		w.wants(w.prove(1, gone, alice.shows(gone)), ErrWrong, "removed meanwhile")
		if _, err := w.party.AskUse(1, w.list(1), w.clock); !errors.Is(err, ErrNone) {
			t.Errorf("without any: %v", err)
		}
	})
}

// TestOneAnswerCountsOnce: also where it is sent to several nodes at once.
func TestOneAnswerCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := newDevice(t)
		w.add(1, d, "")
		c := w.askUse(1)
		answer := d.shows(c)
		var wait sync.WaitGroup
		got := make([]error, 4)
		for i := range got {
			wait.Go(func() { got[i] = w.prove(1, c, answer) })
		}
		wait.Wait()
		in := 0
		for _, err := range got {
			if err == nil {
				in++
			} else {
				w.wants(err, ErrWrong, "at once")
			}
		}
		if in != 1 {
			t.Errorf("it counted %d times", in)
		}
	})
}

// TestACopyIsRefused: a counter that goes back, or stands still, and from then on whatever it says.
func TestACopyIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := newDevice(t)
		d.counter = 5
		w.add(1, d, "key")
		for _, counter := range []uint32{6, 9} {
			d.counter = counter
			c := w.askUse(1)
			try(t, w.prove(1, c, d.shows(c)))
		}
		for _, counter := range []uint32{9, 10} {
			d.counter = counter
			c := w.askUse(1)
			w.wants(w.prove(1, c, d.shows(c)), ErrCopied, fmt.Sprint("counter ", counter))
		}
		if list := w.list(1); !list[0].Copied {
			t.Errorf("%+v", list)
		}
	})
}

// TestThereIsABound: a user has Most, also where several are added at once.
func TestThereIsABound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range Most {
			w.add(1, newDevice(t), "")
		}
		c := w.askAdd(1, "")
		w.wants(w.Add(t.Context(), w.party, 1, c, newDevice(t).makes(c)), ErrMost, "one more")
		if name := CleanName(strings.Repeat("é", 200)); len([]rune(name)) > MaxName {
			t.Errorf("a name of %d characters", len([]rune(name)))
		}
	})
}

// TestUndo: what was added goes, what was removed comes back and works, by a strong link alone.
func TestUndo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := newDevice(t)
		w.add(1, d, "phone")
		try(t, w.Reset(t.Context(), 1))
		undo := func(h accounts.Happened, strong bool) {
			t.Helper()
			try(t, w.writer.Transaction(func(tx *gorm.DB) error {
				return Undo(tx, accounts.Undo{User: 1, Kind: h.Kind, Data: h.Undo}, strong)
			}))
		}
		undo(w.heard[1], false)
		if n := len(w.list(1)); n != 0 {
			t.Errorf("a weak link has brought back %d", n)
		}
		undo(w.heard[1], true)
		undo(w.heard[1], true) // again: no error, and no second one
		if n := len(w.list(1)); n != 1 {
			t.Fatalf("%d are back", n)
		}
		c := w.askUse(1)
		try(t, w.prove(1, c, d.shows(c)))
		w.add(1, newDevice(t), "intruder's")
		undo(w.heard[2], false)
		if list := w.list(1); len(list) != 1 || list[0].Name != "phone" {
			t.Errorf("%+v", list)
		}
	})
}

// TestParty: where browsers show passkeys.
func TestParty(t *testing.T) {
	for base, ok := range map[string]bool{
		"https://notify.example.org": true, "https://example.org:8443/notify": true, "http://localhost:8080": true,
		"http://notify.example.org": false, "http://127.0.0.1:8080": false, "https://192.0.2.1": false,
		"https://[2001:db8::1]/": false, "": false, "notify.example.org": false,
	} {
		if _, err := NewParty(base); (err == nil) != ok {
			t.Errorf("%q: %v", base, err)
		}
	}
}
