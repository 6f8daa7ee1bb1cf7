package tail

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestShowsWhatIsTooLarge shows the envelope of a message that is not read whole, and may be no JSON.
func TestShowsWhatIsTooLarge(t *testing.T) {
	payload := []byte(`{"topic":"t","msg":` + strings.Repeat("]", bus.MaxRead) + `,"msg_id":"x","timestamp":1}`)
	m, err := bus.Decode(bus.Frame{Topic: "t", Payload: payload}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	m.Standing = bus.Standing{} // as tail leaves a message that it does not check
	var line, pretty bytes.Buffer
	if err := errors.Join(JSON(&line, m), Pretty(&pretty, m)); err != nil {
		t.Fatal(err)
	}
	want := `{"i":0,"msg":null,"msg_id":"x","timestamp":1,"topic":"t"}` + "\n"
	if line.String() != want || !strings.Contains(pretty.String(), `"msg_id": "x"`) {
		t.Errorf("tail wrote %s and %s, want %s", &line, &pretty, want)
	}
}

func TestHidesControlCharacters(t *testing.T) {
	payload := []byte(`{"topic":"t","msg":{"a":"\u001b]0;x\u0007\u009b2J\u202e\u200b\u2028é\n</b>"},"msg_id":"x","timestamp":1,"signature":"s","certificate":"c"}`)
	m, err := bus.Decode(bus.Frame{Topic: "t", Payload: payload}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	m.Standing = bus.Standing{} // not checked
	var pretty, line, terse bytes.Buffer
	book, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{Pretty(&pretty, m), JSON(&line, m), Terse(book)(&terse, m)} {
		if err != nil {
			t.Error(err)
		}
	}
	if want := `"a": "\u001b]0;x\u0007\u009b2J\u202e\u200b\u2028é\n</b>"`; !strings.Contains(pretty.String(), want) ||
		strings.Contains(pretty.String(), "signature") {
		t.Errorf("pretty: %s", pretty.String())
	}
	if want := `{"certificate":"c","msg":{"a":"\u001b]0;x\u0007\u009b2J\u202e\u200b\u2028\u00e9\n</b>"},"msg_id":"x","signature":"s","timestamp":1,"topic":"t"}` + "\n"; line.String() != want {
		t.Errorf("json: %s", line.String())
	}
	for _, b := range []*bytes.Buffer{&pretty, &line, &terse} {
		if strings.ContainsFunc(b.String(), Hidden) {
			t.Errorf("control characters in %q", b.String())
		}
	}
	if strings.Count(terse.String(), "\n") != 1 {
		t.Errorf("terse: %q", terse.String())
	}
}
