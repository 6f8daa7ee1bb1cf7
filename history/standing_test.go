package history_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func TestStandingIsStored(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		e := decodable("x", 5, "org.example.prod.git.receive", []string{"alice"}, []string{"bash"})
		want := bus.Standing{Verdict: bus.WrongSigner, Signer: "pkgdb", Method: bus.X509, Marked: true,
			Reason: "pkgdb may not send under this topic"}
		e.Standing, e.Late = want, true
		put(t, s, d, e, decodable("y", 6, "org.example.prod.git.receive", nil, nil))
		r, err := s.Get(t.Context(), "x", readers.Sources{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Message()
		if err != nil {
			t.Fatal(err)
		}
		if r.Standing != want || !r.Late || m.Standing != want || !m.Late || m.ID != "x" || r.ClaimedID != "" {
			t.Errorf("stored: %+v late %v; decoded: %+v late %v, id %q", r.Standing, r.Late, m.Standing, m.Late, m.ID)
		}
		for _, sure := range []bool{true, false} {
			f := &byVerdict{verdict: want.Verdict, sure: sure}
			got, err := s.Scan(t.Context(), history.ScanQuery{Filter: f, Describe: describe, Hits: 5})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Hits) != 1 || got.Hits[0].MsgID != "x" || got.Hits[0].Event.Standing.Signer != "pkgdb" {
				t.Errorf("sure %v: scan gives %+v", sure, got.Hits)
			}
		}
	})
}

// byVerdict is a filter by the verdict: by the names alone where sure, otherwise by the whole message.
type byVerdict struct {
	verdict bus.Verdict
	sure    bool
}

func (byVerdict) Keys(...string) map[string][]string { return nil }

func (f byVerdict) Names(e *catalogue.Event) (matches, sure bool) {
	return e.Standing.Verdict == f.verdict, f.sure
}

func (byVerdict) Anew() bool { return false }

func (byVerdict) Prefilter(string, string, []byte) (matches, sure bool) { return true, false }

func (f byVerdict) Match(e *catalogue.Event) bool { return e.Standing.Verdict == f.verdict }

// TestLongStandingIsCut stores what a hostile certificate may say.
func TestLongStandingIsCut(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		e := event("x", 5, "org.example.prod.git.receive", nil, nil)
		e.Standing = bus.Standing{Verdict: bus.Invalid, Signer: "\x00\xff" + strings.Repeat("ü", 5000),
			Reason: strings.Repeat("why ", 5000)}
		put(t, s, d, e)
		r, err := s.Get(t.Context(), "x", readers.Sources{})
		if err != nil || r.Standing.Verdict != bus.Invalid || len(r.Standing.Signer) > 300 || len(r.Standing.Reason) > 300 {
			t.Errorf("Get = %d bytes of signer, %d of reason, %v", len(r.Standing.Signer), len(r.Standing.Reason), err)
		}
	})
}

// TestMessageIsTheSameAgain stores odd messages hours after they were received, as after a failure of the database.
func TestMessageIsTheSameAgain(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		received := noon.Add(-2 * time.Hour)
		ahead := func(hours int64) string { return fmt.Sprint(noon.Unix() + 3600*hours) }
		for i, timestamp := range []string{
			"", "0", "-5", `"soon"`, "1772452800", "1772452800123", ahead(20), ahead(23), ahead(99),
		} {
			payload := fmt.Sprintf(`{"topic":"a.b","msg_id":"m%d","msg":{}}`, i)
			if timestamp != "" {
				payload = strings.Replace(payload, "{", `{"timestamp":`+timestamp+",", 1)
			}
			m, err := bus.Decode(bus.Frame{Source: "main", Topic: "a.b", Payload: []byte(payload)}, received)
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, d, &catalogue.Event{Message: m})
			r, err := s.Get(t.Context(), m.ID, readers.Sources{})
			if err != nil {
				t.Fatal(err)
			}
			again, err := r.Message()
			if err != nil || !again.Time.Equal(m.Time) || !slices.Equal(again.Mended, m.Mended) || again.ID != m.ID {
				t.Errorf("%s: %v %q, then %v %q, %v", timestamp, m.Time, m.Mended, again.Time, again.Mended, err)
			}
		}
	})
}
