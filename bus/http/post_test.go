package http

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	nethttp "net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

var testNow = time.Unix(1_780_000_000, 0).UTC()

// A stand is a source without a port, whose messages are taken at once, until full is set.
type stand struct {
	*Source
	t    *testing.T
	full bool // nobody takes messages
}

func newStand(t *testing.T, c Config) *stand {
	t.Helper()
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.CommitTimeout == 0 {
		c.CommitTimeout = time.Minute
	}
	s, err := New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	s.now = func() time.Time { return testNow }
	s.newID = func() string { n++; return fmt.Sprintf("2026-made-%d", n) }
	s.in = bus.NewIntake(bus.IntakeConfig{Batch: 1})
	return &stand{Source: s, t: t}
}

// send answers a request, and gives the messages that were taken of it.
func (s *stand) send(path, body string, headers ...string) (*httptest.ResponseRecorder, []*bus.Message) {
	s.t.Helper()
	r := httptest.NewRequest(nethttp.MethodPost, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	var got []*bus.Message
	answered, taken, in := make(chan struct{}), make(chan struct{}), s.in
	go func() {
		defer close(taken)
		for {
			batch, open := in.Next(s.t.Context())
			if !open || s.full {
				return
			}
			m, err := bus.Decode(batch[0], s.now())
			if err != nil {
				s.t.Errorf("handed over what is no message: %v", err)
			}
			got = append(got, m)
			batch[0].Done()
		}
	}()
	go func() {
		defer close(answered)
		s.ServeHTTP(w, r)
	}()
	<-answered
	s.in = bus.NewIntake(bus.IntakeConfig{Batch: 1})
	in.Close()
	<-taken
	return w, got
}

func (s *stand) post(body string, headers ...string) (*httptest.ResponseRecorder, []*bus.Message) {
	s.t.Helper()
	return s.send(messagesPath, body, append([]string{"Authorization", "Bearer " + testToken,
		"Content-Type", "application/json"}, headers...)...)
}

var ferry = map[string]Sender{"ferry": {Token: testToken, Topics: []string{"org.example.prod.ferry"}}}

const jsonLines = "application/x-ndjson"

func TestFillsIn(t *testing.T) {
	for _, c := range []struct{ name, sent, key, want string }{
		{"nothing but the content", `{"topic":"org.example.prod.ferry.left","msg":{"n":1}}`, "",
			`{"topic":"org.example.prod.ferry.left","msg":{"n":1},"msg_id":"2026-made-1","timestamp":1780000000,"username":"ferry"}`},
		{"an empty id", `{"msg_id":"","topic":"org.example.prod.ferry","msg":null}`, "again",
			`{"msg_id":"","topic":"org.example.prod.ferry","msg":null,"msg_id":"again","timestamp":1780000000,"username":"ferry"}`},
		{"all is there", ` {"topic":"org.example.prod.ferry","msg":{},"msg_id":"a","timestamp":5,"username":"zoë"}` + "\n", "again",
			` {"topic":"org.example.prod.ferry","msg":{},"msg_id":"a","timestamp":5,"username":"zoë"}` + "\n"},
		{"AMQP's form", `{"topic":"org.example.prod.ferry","body":{},"id":"b","headers":{"sent-at":"2026-01-02T03:04:05Z"}}`, "",
			`{"topic":"org.example.prod.ferry","body":{},"id":"b","headers":{"sent-at":"2026-01-02T03:04:05Z"},"username":"ferry"}`},
		{"a signature", `{"topic":"org.example.prod.ferry","msg":{},"msg_id":"a","timestamp":5,"signature":"eA=="}`, "",
			`{"topic":"org.example.prod.ferry","msg":{},"msg_id":"a","timestamp":5,"signature":"eA=="}`},
	} {
		w, got := newStand(t, Config{Senders: ferry}).post(c.sent, "Idempotency-Key", c.key)
		if w.Code != nethttp.StatusAccepted || len(got) != 1 {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
			continue
		}
		if string(got[0].Payload) != c.want {
			t.Errorf("%s: the payload is\n%s, want\n%s", c.name, got[0].Payload, c.want)
		}
		if want := fmt.Sprintf(`{"ids":[%q]}`+"\n", got[0].ID); w.Body.String() != want {
			t.Errorf("%s: the answer is %s, want %s", c.name, w.Body, want)
		}
		if got[0].Publisher != "ferry" || got[0].Source != "ferry" || len(got[0].Mended) > 0 {
			t.Errorf("%s: publisher %q, source %q, mended %q", c.name, got[0].Publisher, got[0].Source, got[0].Mended)
		}
	}
}

func TestRefuses(t *testing.T) {
	good := `{"topic":"org.example.prod.ferry.left","msg":{}}`
	for _, c := range []struct {
		name, body string
		headers    []string
		status     int
		want       string // in the answer
	}{
		{"no token", good, []string{"Authorization", ""}, 401, ""},
		{"another token", good, []string{"Authorization", "Bearer sesame-sesame-sesamf"}, 401, ""},
		{"no bearer", good, []string{"Authorization", "Basic " + testToken}, 401, ""},
		{"another topic", `{"topic":"org.example.prod.other","msg":{}}`, nil, 403, "org.example.prod.other"},
		{"a topic that begins the same", `{"topic":"org.example.prod.ferryman","msg":{}}`, nil, 403, "ferryman"},
		{"another topic in line 3", good + "\n\n" + `{"topic":"org.example.prod.other","msg":{}}`,
			[]string{"Content-Type", jsonLines}, 403, `"errors":[{"line":3,"detail":"ferry may not send `},
		{"a form", good, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "application/json"},
		{"compressed", good, []string{"Content-Encoding", "gzip"}, 415, "Content-Encoding"},
		{"no JSON", `{"topic":`, nil, 422, "line 1"},
		{"a list", `[1]`, nil, 422, "object"},
		{"no topic", `{"msg":{}}`, nil, 422, "topic"},
		{"a topic that is none", `{"topic":"org.example.prod.ferry\u0007","msg":{}}`, nil, 422, "topic"},
		{"no content", `{"topic":"org.example.prod.ferry"}`, nil, 422, "msg"},
		{"the third line", good + "\n\n" + `{"topic":7,"msg":{}}` + "\n" + good, []string{"Content-Type", jsonLines}, 422,
			`"errors":[{"line":3,"detail":"topic: `},
		{"only blank lines", "\n\n", []string{"Content-Type", jsonLines}, 400, "no message"},
		{"too many lines", strings.Repeat(good+"\n", 6), []string{"Content-Type", jsonLines}, 413, "line 6: at most 5"},
		{"more than the burst", strings.Repeat(good+"\n", 5), []string{"Content-Type", jsonLines}, 413, "4 at once"},
		{"too large", `{"topic":"` + strings.Repeat("x", 3000), nil, 413, "2048 bytes"},
		{"a key of control characters", good, []string{"Idempotency-Key", "a\x01"}, 400, "Idempotency-Key"},
	} {
		s := newStand(t, Config{MaxBody: 2048, MaxLines: 5, Senders: map[string]Sender{
			"ferry": {Token: testToken, Topics: []string{"org.example.prod.ferry"}, Burst: 4}}})
		w, got := s.post(c.body, c.headers...)
		if w.Code != c.status || len(got) > 0 || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s and %d messages, want %d with %q", c.name, w.Code, w.Body, len(got), c.status, c.want)
		}
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != c.status || p.Title == "" ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: no problem details: %v %s", c.name, err, w.Body)
		}
		if c.status == 401 && (p.Detail != "" || w.Header().Get("WWW-Authenticate") == "") {
			t.Errorf("%s: %v %s", c.name, w.Header(), w.Body)
		}
	}
}

func TestLinesHaveIDs(t *testing.T) {
	line := `{"topic":"org.example.prod.ferry.left","msg":{}}`
	w, got := newStand(t, Config{Senders: ferry}).post(line+"\r\n\n"+line,
		"Content-Type", jsonLines, "Idempotency-Key", "k")
	if w.Code != 202 || w.Body.String() != `{"ids":["k-1","k-3"]}`+"\n" || len(got) != 2 || got[1].ID != "k-3" {
		t.Errorf("%d %s, %d messages", w.Code, w.Body, len(got))
	}
}

// TestLate: what a sender says is no news is none, and one without a time is not of now.
func TestLate(t *testing.T) {
	for said, late := range map[string]bool{"": false, "1": true, "0": false, "false": false, "true": true} {
		w, got := newStand(t, Config{Senders: ferry}).post(`{"topic":"org.example.prod.ferry","msg":{}}`, headerLate, said)
		if w.Code != nethttp.StatusAccepted || len(got) != 1 || got[0].Late != late || got[0].Undated() != late {
			t.Errorf("%s: %q: %d, became %+v", headerLate, said, w.Code, got)
		}
	}
}

func TestRate(t *testing.T) {
	s := newStand(t, Config{Senders: map[string]Sender{
		"ferry": {Token: testToken, Topics: []string{"#"}, Rate: 0.1, Burst: 2}}})
	post := func() *httptest.ResponseRecorder {
		w, _ := s.post(`{"topic":"a","msg":{}}`)
		return w
	}
	codes := []int{post().Code, post().Code}
	w := post()
	if !slices.Equal(codes, []int{202, 202}) || w.Code != 429 || w.Header().Get("Retry-After") != "10" {
		t.Errorf("%d, then %d %v", codes, w.Code, w.Header())
	}
	s.now = func() time.Time { return testNow.Add(10 * time.Second) }
	if w := post(); w.Code != 202 {
		t.Errorf("%d %s ten seconds later", w.Code, w.Body)
	}
}

// TestNotStored: nobody takes the message, or is done with it.
func TestNotStored(t *testing.T) {
	s := newStand(t, Config{CommitTimeout: 10 * time.Millisecond, Senders: ferry})
	s.full = true
	w, _ := s.post(`{"topic":"org.example.prod.ferry.left","msg":{}}`)
	if w.Code != 503 || w.Header().Get("Retry-After") != "5" ||
		!strings.Contains(w.Body.String(), `"ids":["2026-made-1"]`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// TestTooManyAtATime: a sender has half of the places, so that another one has one when it has all of its own.
func TestTooManyAtATime(t *testing.T) {
	s := newStand(t, Config{MaxRequests: 2, Senders: map[string]Sender{"ferry": ferry["ferry"],
		"other": {Token: "another token of some length", Topics: []string{"#"}}}})
	body := `{"topic":"org.example.prod.ferry.left","msg":{}}`
	leave, err := s.parties.Load().senders["ferry"].room.enter()
	if err != nil {
		t.Fatal(err)
	}
	if w, _ := s.post(body); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w, _ := s.post(body, "Authorization", "Bearer another token of some length"); w.Code != 202 {
		t.Errorf("the other sender: %d %s", w.Code, w.Body)
	}
	leave()
	if w, _ := s.post(body); w.Code != 202 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(s.proved.requests) > 0 {
		t.Errorf("%d places are still taken", len(s.proved.requests))
	}
}

// TestMemoryOfBodies: a body waits for memory, and is answered 503 when there is none in time.
func TestMemoryOfBodies(t *testing.T) {
	s := newStand(t, Config{ReadTimeout: 10 * time.Millisecond, Senders: ferry})
	body := `{"topic":"org.example.prod.ferry.left","msg":{}}`
	for _, full := range []*room{s.parties.Load().senders["ferry"].room, s.proved} {
		size := int64(provedBytes / 2)
		if full == s.proved {
			size = provedBytes
		}
		if err := full.bytes.Acquire(t.Context(), size); err != nil {
			t.Fatal(err)
		}
		if w, _ := s.post(body); w.Code != 503 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		full.bytes.Release(size)
	}
	s.config.ReadTimeout = time.Minute
	if w, _ := s.post(body); w.Code != 202 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for name, r := range map[string]*room{"all": s.proved, "ferry": s.parties.Load().senders["ferry"].room} {
		if most := map[string]int64{"all": provedBytes, "ferry": provedBytes / 2}[name]; !r.bytes.TryAcquire(most) {
			t.Errorf("%s: memory is still taken", name)
		}
	}
}

func TestSignedPost(t *testing.T) {
	const key = "a key of some length"
	s := newStand(t, Config{Senders: map[string]Sender{
		"ferry": {HMACKey: "another key that was\n" + key, Topics: []string{"#"}}, "other": ferry["ferry"]}})
	body := `{"topic":"org.example.prod.ferry.left","msg":{}}`
	sign := func(key, id, at, body string) string {
		return "v1," + base64.StdEncoding.EncodeToString(mac([]byte(key), []byte(id+"."+at+"."+body)))
	}
	at := fmt.Sprint(testNow.Unix())
	old := fmt.Sprint(testNow.Add(-6 * time.Minute).Unix())
	for _, c := range []struct {
		name, from, id, at, signature, body string
		status                              int
	}{
		{"right", "ferry", "a", at, sign(key, "a", at, body), body, 202},
		{"one of a list", "ferry", "a", at, "v0,x v1,eA== " + sign(key, "a", at, body), body, 202},
		{"the other key", "ferry", "a", at, sign("another key that was", "a", at, body), body, 202},
		{"another body", "ferry", "a", at, sign(key, "a", at, body), body + " ", 401},
		{"another id", "ferry", "b", at, sign(key, "a", at, body), body, 401},
		{"no id", "ferry", "", at, sign(key, "", at, body), body, 401},
		{"another sender", "other", "a", at, sign(key, "a", at, body), body, 401},
		{"a sender that has no key", "other", "a", at, sign("", "a", at, body), body, 401},
		{"no sender", "", "a", at, sign(key, "a", at, body), body, 401},
		{"old", "ferry", "a", old, sign(key, "a", old, body), body, 401},
		{"no time", "ferry", "a", "NaN", sign(key, "a", "NaN", body), body, 401},
		{"empty", "ferry", "a", at, "v1,", body, 401},
	} {
		w, got := s.send(messagesPath, c.body, "Content-Type", "application/json", headerSender, c.from, standardID, c.id,
			standardTime, c.at, standardSignature, c.signature)
		if w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
		}
		if c.status == 202 && (len(got) != 1 || got[0].ID != "a" || got[0].Publisher != "ferry") {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestOddIDs: the id that is answered is the one that is stored, and the same when the message is sent again.
func TestOddIDs(t *testing.T) {
	long := `"` + strings.Repeat("x", 500) + `"`
	for _, id := range []string{`{"a":1}`, `1.5`, `[]`, `true`, `"\n"`, `"\ud800"`, `7`, long} {
		for _, body := range []string{`{"topic":"org.example.prod.ferry","msg":{},"msg_id":` + id + `}`,
			`{"topic":"org.example.prod.ferry","body":{},"id":` + id + `}`} {
			s := newStand(t, Config{Senders: ferry})
			w, got := s.post(body)
			s.now = func() time.Time { return testNow.Add(time.Second) }
			_, again := s.post(body)
			if w.Code != 202 || len(got) != 1 || w.Body.String() != fmt.Sprintf(`{"ids":[%q]}`+"\n", got[0].ID) ||
				!slices.Equal(ids(got), ids(again)) {
				t.Errorf("%s: %d %s; stored as %q, again as %q", body, w.Code, w.Body, ids(got), ids(again))
			}
		}
	}
	w, got := newStand(t, Config{Senders: ferry}).post(`{"topic":"org.example.prod.ferry","msg":{},"msg_id":{}}`,
		"Idempotency-Key", "key")
	if w.Code != 202 || len(got) != 1 || got[0].ID != "key" {
		t.Errorf("with a key: %d %s, stored as %q", w.Code, w.Body, ids(got))
	}
}

// TestSignedAgain: whoever saw a request that is signed can send it again, but not as another message, by changing what
// is not signed.
func TestSignedAgain(t *testing.T) {
	const key = "a key of some length"
	s := newStand(t, Config{Senders: map[string]Sender{"ferry": {HMACKey: key, Topics: []string{"#"}}}})
	at, body := fmt.Sprint(testNow.Unix()), `{"topic":"org.example.prod.ferry.left","msg":{}}`
	sum := "v1," + base64.StdEncoding.EncodeToString(mac([]byte(key), []byte("a."+at+"."+body)))
	for _, changed := range [][]string{nil, {"Idempotency-Key", "b"}, {"Content-Type", jsonLines}, {"Webhook-ID", "a"},
		{"Content-Type", jsonLines, "Idempotency-Key", "b"}, {headerLate, "1"}} {
		w, got := s.send(messagesPath, body, append([]string{"Content-Type", "application/json", headerSender, "ferry",
			standardID, "a", standardTime, at, standardSignature, sum}, changed...)...)
		if w.Code != 202 || len(got) != 1 || got[0].ID != "a" {
			t.Errorf("%q: %d %s, want the id a", changed, w.Code, w.Body)
		}
	}
}

func TestOtherPaths(t *testing.T) {
	s := newStand(t, Config{Senders: ferry})
	if w, _ := s.send("/", ""); w.Code != 404 {
		t.Errorf("/: %d", w.Code)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(nethttp.MethodGet, messagesPath, nil))
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
}

func ids(messages []*bus.Message) (all []string) {
	for _, m := range messages {
		all = append(all, m.ID)
	}
	return all
}
