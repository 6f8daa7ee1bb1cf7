package catalogue

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/notifyd/notifyd/bus"
)

func TestBodyText(t *testing.T) {
	e := &Event{Message: &bus.Message{Body: body(t,
		`{"z": [1, 2.50, null, true], "a": {"é": "\u2028 \"q\" \\ \n \u0001 <b>"}}`)}}
	if want := "{\"a\":{\"é\":\"\u2028 \\\"q\\\" \\\\ \\n \\u0001 <b>\"},\"z\":[1,2.50,null,true]}"; e.BodyText() != want {
		t.Errorf("got %s\nwant %s", e.BodyText(), want)
	}
	if (&Event{}).BodyText() != "" {
		t.Error("an event without a message has a body")
	}
}

func TestBodyTextIsCutOnARune(t *testing.T) {
	e := &Event{Message: &bus.Message{Body: map[string]any{"a": strings.Repeat("é", 1<<20), "b": json.Number("1")}}}
	got := e.BodyText()
	if len(got) > maxBody || len(got) < maxBody-4 || !utf8.ValidString(got) {
		t.Errorf("%d bytes, valid %v; want %d at most", len(got), utf8.ValidString(got), maxBody)
	}
	deep := any("x")
	for range 5000 {
		deep = []any{deep}
	}
	(&Event{Message: &bus.Message{Body: deep}}).BodyText()
}
