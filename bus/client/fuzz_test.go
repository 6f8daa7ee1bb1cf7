package client

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/notifyd/notifyd/bus"
)

// FuzzWithID: a message goes as it is, in one line, with an id that stays the same however often it is sent.
func FuzzWithID(f *testing.F) {
	for _, seed := range []string{
		`{"topic":"a","msg":{}}`, `{"topic":"a","body":{},"id":"b"}`, `{}`, `{"msg_id":null}`, ` {"a": [1, 2.50],
			"msg_id": "" } `, `{"topic":"a","msg":1,"signature":"eA=="}`, `{"topic":"a","msg":1,"msg_id":{}}`,
		`{"topic":"a","msg":1,"msg_id":7}`, `{"msg_id":"a","msg_id":1.5,"topic":"a","msg":"\ud83d\ude00\u2028"}`, `[]`, `null`,
	} {
		f.Add([]byte(seed))
	}
	now := time.Unix(1_780_000_000, 0)
	f.Fuzz(func(t *testing.T, object []byte) {
		line, err := withID(object, now)
		if err != nil {
			return
		}
		if !json.Valid(line) || bytes.ContainsAny(line, "\n\r") {
			t.Fatalf("%q became %q, which is no line of JSON", object, line)
		}
		if again, err := withID(line, now); err != nil || !bytes.Equal(again, line) {
			t.Errorf("%q becomes %q when it is sent again: %v", line, again, err)
		}
		before, err1 := bus.DecodeLine(object, now)
		after, err2 := bus.DecodeLine(line, now)
		if err1 != nil || err2 != nil {
			if (err1 == nil) != (err2 == nil) && len(line) < bus.MaxRead/4 {
				t.Errorf("%q: %v, then %q: %v", object, err1, line, err2)
			}
			return
		}
		if before.Topic != after.Topic || !reflect.DeepEqual(before.Body, after.Body) {
			t.Errorf("%q is another message than %q", line, object)
		}
		later, err := bus.DecodeLine(line, now.Add(time.Hour))
		if err != nil || later.ID != after.ID && !bytes.Contains(line, []byte("ignature")) {
			t.Errorf("%q is %s, and an hour later %s: %v", line, after.ID, later.ID, err)
		}
	})
}

// FuzzAnswer: whatever a server answers is ids, or an error of one short line.
func FuzzAnswer(f *testing.F) {
	f.Add(202, "", `{"ids":["a"]}`)
	f.Add(503, "5", `{"detail":"not stored yet","ids":["a"]}`)
	f.Add(422, "Fri, 01 Jan 2100 00:00:00 GMT", `{"errors":[{"line":1,"detail":"a\u001b[2J"},{"line":-3},{"line":900}]}`)
	f.Add(302, "-1", "<html>")
	f.Add(413, "99999999999999999999", `{"detail":{}}`)
	p, err := NewPoster(PosterConfig{URL: "https://bus.example.org", Token: "t"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, header, body string) {
		if ids, err := readIDs([]byte(body), 1); (err == nil) != (len(ids) == 1) {
			t.Errorf("%q: %q and %v", body, ids, err)
		}
		w := &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {header}, "Location": {body}}}
		r := p.refusal(w, []byte(body))
		said := r.Error()
		hidden := strings.ContainsFunc(said, func(c rune) bool { return unicode.IsControl(c) || c >= 0x202a && c <= 0x202e })
		if hidden || !utf8.ValidString(said) || utf8.RuneCountInString(said) > 2*maxDetail || r.RetryAfter < 0 ||
			r.RetryAfter > maxWait || len(r.Faults) > 10 {
			t.Errorf("said %q, after %v, %d faults", said, r.RetryAfter, len(r.Faults))
		}
	})
}
