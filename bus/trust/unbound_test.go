package trust

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// TestSignatureBindsWhatIsStated signs messages that do not state what they are: nobody may send them again as
// something else.
func TestSignatureBindsWhatIsStated(t *testing.T) {
	now := time.Now()
	p, err := pkitest.New(now)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := p.Write(folder); err != nil {
		t.Fatal(err)
	}
	v, err := Open(Config{CA: folder + "/ca.crt", Policy: map[string][]string{"a.git": {pkitest.Git}}})
	if err != nil {
		t.Fatal(err)
	}
	const without = "delete"
	for _, c := range []struct {
		field string
		value any
		want  bus.Verdict
		why   string
	}{
		{"i", 7, bus.Signed, ""},
		{"msg_id", 17, bus.Signed, ""}, // its text is the id
		{"topic", without, bus.BodyOnly, "no topic"},
		{"topic", nil, bus.BodyOnly, "no topic"},
		{"topic", "", bus.BodyOnly, "no topic"},
		{"topic", 5, bus.BodyOnly, "no topic"},
		{"msg_id", without, bus.Signed, ""}, // one is made of what is signed
		{"msg_id", []any{"x"}, bus.Signed, ""},
		{"timestamp", without, bus.Stale, "no time"},
		{"timestamp", "soon", bus.Stale, "no time"},
		{"timestamp", now.Add(-90 * 24 * time.Hour).Format(time.RFC3339), bus.Stale, "its time is"},
	} {
		e := map[string]any{"topic": "a.git", "msg": map[string]any{}, "msg_id": "2026-1", "timestamp": now.Unix(), "i": 1}
		if e[c.field] = c.value; c.value == without {
			delete(e, c.field)
		}
		m, err := bus.Decode(bus.Frame{Topic: "a.git", Payload: pkitest.Canonical(p.Sign(pkitest.Git, e))}, now)
		if err != nil {
			t.Fatal(err)
		}
		s, action := v.Judge(m, now)
		if s.Verdict != c.want || !strings.Contains(s.Reason, c.why) || s.Signer != pkitest.Git {
			t.Errorf("%s %v: %+v; want %s, %q", c.field, c.value, s, c.want, c.why)
		}
		if (action == Accept) != (c.want == bus.Signed) {
			t.Errorf("%s %v: %s", c.field, c.value, action)
		}
	}
}
