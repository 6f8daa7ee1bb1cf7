package bus_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

func TestReadDatagrepper(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"as it was sent", `{"count": 1, "pages": 3, "raw_messages": [{"topic": "a.b.c.d", "i": 4, "msg": {"x": 1.0},
			"msg_id": "2017-1", "timestamp": 1504643075.0, "username": "git", "crypto": "x509", "signature": "s",
			"certificate": "c", "headers": {}, "source_name": "datanommer", "source_version": "0.8.1"}], "total": 65}`,
			`{"certificate":"c","crypto":"x509","i":4,"msg":{"x":1.0},"msg_id":"2017-1","signature":"s",` +
				`"timestamp":1504643075,"topic":"a.b.c.d","username":"git"}`},
		{"of a newer one", `{"raw_messages": [{"topic": "a.b.c.d", "i": 0, "msg": {}, "id": 1, "timestamp": 1504643075.123,
			"username": null, "agent_name": "bob", "crypto": null, "signature": null, "certificate": null,
			"headers": {"sent-at": "2022"}, "users": [], "packages": ["x"], "meta": {"title": "t"}}], "pages": 1}`,
			`{"headers":{"sent-at":"2022"},"i":0,"id":1,"msg":{},"timestamp":1504643075.123,"topic":"a.b.c.d"}`},
		{"one is broken", `{"raw_messages": [{"topic": "\x"}, {"topic": "t", "msg": null}, 7, "[{"], "pages": 2}`,
			`{"msg":null,"topic":"t"}`},
		{"what Go's own reader refuses", `{"raw_messages": [{"topic":"t","msg":{"a":NaN,"b":"\ud83d"}}]}`,
			`{"msg":{"a":NaN,"b":"\ud83d"},"topic":"t"}`},
		{"nothing", ` {"raw_messages" : [ ] , "pages" : 0 } `, ``},
	} {
		page, err := bus.ReadDatagrepper([]byte(c.answer))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, f := range page.Frames {
			got = append(got, string(f.Payload))
			if !strings.Contains(string(f.Payload), `"topic":"`+f.Topic+`"`) {
				t.Errorf("%s: topic %q of %s", c.name, f.Topic, f.Payload)
			}
		}
		if text := strings.Join(got, "\n"); text != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, text, c.want)
		}
	}
}

func TestReadDatagrepperRefuses(t *testing.T) {
	for _, answer := range []string{
		``, `null`, `[]`, `{}`, `<html>`, `{"raw_messages": {}}`, `{"raw_messages": [{}`,
		`{"raw_messages": [{}]`, `{"raw_messages": [{}], "pages"`, `{"raw_messages": [,]}`, `{"raw_messages": [}`,
		`{"error": "bad", "arguments": {}}`, `{"pages": 1}`, strings.Repeat(`{"raw_messages":[`, 100000),
	} {
		if page, err := bus.ReadDatagrepper([]byte(answer)); err == nil {
			t.Errorf("ReadDatagrepper(%.60s) = %+v, want an error", answer, page)
		}
	}
}

func FuzzReadDatagrepper(f *testing.F) {
	f.Add([]byte(`{"raw_messages": [{"topic": "t", "msg": {}, "timestamp": 1.0}, 3], "pages": 2}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		page, err := bus.ReadDatagrepper(answer)
		for _, m := range page.Frames {
			if again, err := bus.ReadDatagrepper([]byte(`{"raw_messages":[` + string(m.Payload) + `]}`)); err != nil ||
				len(again.Frames) != 1 || string(again.Frames[0].Payload) != string(m.Payload) {
				t.Errorf("%s becomes %+v, %v", m.Payload, again, err)
			}
		}
		_ = err
	})
}

// TestDatagrepperAnswersAreBounded: a list of very many messages is no answer, and costs little.
func TestDatagrepperAnswersAreBounded(t *testing.T) {
	answer := func(rows int) []byte {
		return []byte(`{"raw_messages":[{}` + strings.Repeat(",{}", rows-1) + `],"pages":1}`)
	}
	if page, err := bus.ReadDatagrepper(answer(1000)); err != nil || len(page.Frames)+page.Broken != 1000 {
		t.Errorf("1000 rows: %d frames, %v", len(page.Frames), err)
	}
	if page, err := bus.ReadDatagrepper(answer(1_000_000)); err == nil || len(page.Frames) > 1000 {
		t.Errorf("a million rows: %d frames, %v", len(page.Frames), err)
	}
}

// TestAMessageOfAnArchiveThatCostsMuch: it does not hold up the others, and not for long.
func TestAMessageOfAnArchiveThatCostsMuch(t *testing.T) {
	var keys strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&keys, `"k%d":1,`, i)
	}
	answer := `{"raw_messages":[{"topic":"t","msg":{` + keys.String() + `"k":1}},{"topic":"t","msg":"short"}]}`
	page, err := bus.ReadDatagrepper([]byte(answer))
	if err != nil || len(page.Frames) != 1 || page.Broken != 1 {
		t.Errorf("%d messages, %d broken, %v; want one of each", len(page.Frames), page.Broken, err)
	}
}
