package accounts_test

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs/accounts"
)

func TestAnAttemptIsTakenOnce(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		at := noon
		a := accounts.NewAttempts(d.Writer, func() time.Time { return at })
		want := accounts.Attempt{State: "s1", Nonce: "n", Browser: "b", Provider: "fedora", Back: "/filters",
			Purpose: accounts.ToRenew, Login: 7, At: noon}
		for _, state := range []string{"s1", "s2", "s3"} { // several tabs
			each := want
			each.State = state
			if err := a.Begin(t.Context(), each); err != nil {
				t.Fatal(err)
			}
		}
		got, err := a.Take(t.Context(), "s1")
		if got.At = got.At.UTC(); err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
		for _, state := range []string{"s1", "other", ""} {
			if _, err := a.Take(t.Context(), state); !errors.Is(err, accounts.ErrNoAttempt) {
				t.Errorf("%q: %v", state, err)
			}
		}
		var taken atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := a.Take(t.Context(), "s2"); err == nil {
					taken.Add(1)
				}
			})
		}
		if all.Wait(); taken.Load() != 1 {
			t.Errorf("taken %d times", taken.Load())
		}
		at = noon.Add(accounts.AttemptLife)
		if _, err := a.Take(t.Context(), "s3"); !errors.Is(err, accounts.ErrNoAttempt) {
			t.Errorf("too old: %v", err)
		}
	})
}

// Strangers can begin without end; what they began goes first when there is too much.
func TestAttemptsAreBounded(t *testing.T) {
	d := migratest.Copy(t)
	at := noon
	a := accounts.NewAttempts(d.Writer, func() time.Time { return at })
	err := d.Writer.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO attempts SELECT 'old' || i, '', '', 'x', '/', '', 0, ? + i, ? FROM n`, noon.UnixMicro(),
		noon.Add(accounts.AttemptLife).UnixMicro()).Error
	if err != nil {
		t.Fatal(err)
	}
	at = noon.Add(time.Minute)
	for i := range 3 {
		if err := a.Begin(t.Context(), accounts.Attempt{State: "new" + strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	var count int64
	if err := d.Writer.Table("attempts").Count(&count).Error; err != nil || count != 20_000 {
		t.Errorf("%d attempts are kept (%v)", count, err)
	}
	if _, err := a.Take(t.Context(), "old1"); !errors.Is(err, accounts.ErrNoAttempt) {
		t.Errorf("the oldest: %v", err)
	}
	for _, state := range []string{"new0", "new2", "old20000"} {
		if _, err := a.Take(t.Context(), state); err != nil {
			t.Errorf("%s: %v", state, err)
		}
	}
}

func TestAnIDIsUsedOnce(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		at := noon
		a := accounts.NewAttempts(d.Writer, func() time.Time { return at })
		if err := a.Use(t.Context(), "id", noon.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if err := a.Use(t.Context(), "id", noon.Add(time.Minute)); !errors.Is(err, accounts.ErrUsed) {
			t.Errorf("again: %v", err)
		}
		if at = noon.Add(time.Hour); a.Use(t.Context(), "id", at.Add(time.Minute)) != nil {
			t.Error("what has meant nothing for long is still kept")
		}
	})
}
