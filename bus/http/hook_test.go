package http

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

func sign(secret, text string) string { return hex.EncodeToString(mac([]byte(secret), []byte(text))) }

// hooked is a source with one hook, NAME.
func hooked(t *testing.T, h Hook, site map[string]Adapter) *stand {
	t.Helper()
	if h.Secret == "" {
		h.Secret = "mug-secret"
	}
	return newStand(t, Config{Hooks: map[string]Hook{"NAME": h}, Adapters: site})
}

const pushBody = `{"ref":"refs/heads/main","action":"opened","repository":{"full_name":"a/b"},"sender":{"login":"mira"}}`

func TestHookMessage(t *testing.T) {
	s := hooked(t, Hook{Adapter: "github", Prefix: "org.example.prod"}, nil)
	w, got := s.send("/hooks/NAME", pushBody, "X-Hub-Signature-256", "sha256="+sign("mug-secret", pushBody),
		"X-GitHub-Event", "push", "X-GitHub-Delivery", "d-1", "Authorization", "Bearer x", "Cookie", "y")
	if w.Code != 202 || w.Body.String() != `{"ids":["d-1"]}`+"\n" || len(got) != 1 {
		t.Fatalf("%d %s, %d messages", w.Code, w.Body, len(got))
	}
	want := `{"headers":{"notifyd_action":"opened","notifyd_proof":"signature","x-github-delivery":"d-1",` +
		`"x-github-event":"push"},"msg_id":"d-1","timestamp":1780000000,"topic":"org.example.prod.github.push",` +
		`"username":"NAME","msg":` + pushBody + `}`
	if m := got[0]; string(m.Payload) != want || m.Publisher != "NAME" || m.Source != "NAME" ||
		m.Topic != "org.example.prod.github.push" {
		t.Errorf("topic %q of %q by %q:\n%s, want\n%s", m.Topic, m.Source, m.Publisher, m.Payload, want)
	}
}

// TestHostileValuesMakeNoOtherTopic: who may name an event, or a repository, names no topic by it.
func TestHostileValuesMakeNoOtherTopic(t *testing.T) {
	site := map[string]Adapter{"own": {Topic: "own.{body repository.full_name}.{header X-Event | words}", ID: "{body n}",
		Signatures: []Signature{{Scheme: schemePath}}}}
	for _, c := range []struct{ repository, event, want string }{
		{`a/b`, "push", "own.a_b.push"},
		{`x.org.example.prod.bodhi`, "push", "own.x_org_example_prod_bodhi.push"},
		{`ÄÖ\u0000\n`, "a:b/c.d.e.f", "own.____.a.b.c.d"},
		{``, "", "own.unknown.unknown"},
		{`#`, "*.#", "own._._._"},
		{strings.Repeat("x", 500), "...", "own." + strings.Repeat("x", 64) + ".unknown"},
		{`\ud800`, "UP", "own._.up"},
	} {
		w, got := hooked(t, Hook{Adapter: "own"}, site).send("/hooks/NAME/mug-secret",
			`{"repository":{"full_name":"`+c.repository+`"},"n":7}`, "X-Event", c.event)
		if w.Code != 202 || len(got) != 1 || got[0].Topic != c.want || got[0].ID != "7" {
			t.Errorf("%q, %q: %d %s, topic %q, want %q", c.repository, c.event, w.Code, w.Body, topics(got), c.want)
		}
	}
}

func topics(messages []*bus.Message) (all []string) {
	for _, m := range messages {
		all = append(all, m.Topic)
	}
	return all
}

func TestHookAnswers(t *testing.T) {
	form := "payload=%7B%22a%22%3A1%7D"
	right := func(body string) []string {
		return []string{"X-Hub-Signature-256", "sha256=" + sign("mug-secret", body), "X-GitHub-Event", "push"}
	}
	for _, c := range []struct {
		name, path, body string
		headers          []string
		pings            bool
		status, messages int
	}{
		{"right", "/hooks/NAME", "{}", right("{}"), false, 202, 1},
		{"the older secret", "/hooks/NAME", "{}", []string{"X-Hub-Signature-256", "sha256=" + sign("older", "{}")}, false, 202, 1},
		{"a list of signatures", "/hooks/NAME", "{}", []string{"X-Hub-Signature-256",
			"sha256=" + sign("x", "{}") + ", sha256=" + sign("older", "{}")}, false, 202, 1},
		{"of another body", "/hooks/NAME", "{} ", right("{}"), false, 401, 0},
		{"with no signature", "/hooks/NAME", "{}", nil, false, 401, 0},
		{"another hook", "/hooks/other", "{}", right("{}"), false, 404, 0},
		{"no hook", "/hooks/", "{}", right("{}"), false, 404, 0},
		{"a ping", "/hooks/NAME", "{}", append(right("{}"), "X-GitHub-Event", "ping"), false, 200, 0},
		{"a ping that is wanted", "/hooks/NAME", "{}", append(right("{}"), "X-GitHub-Event", "ping"), true, 202, 1},
		{"a ping that is unsigned", "/hooks/NAME", "{}", []string{"X-GitHub-Event", "ping"}, false, 401, 0},
		{"no JSON", "/hooks/NAME", "{", right("{"), false, 422, 0},
		{"two values", "/hooks/NAME", "{}{}", right("{}{}"), false, 422, 0},
		{"a form", "/hooks/NAME", form, append(right(form), "Content-Type", "application/x-www-form-urlencoded"), false, 202, 1},
		{"a form without the field", "/hooks/NAME", "a=1", append(right("a=1"), "Content-Type",
			"application/x-www-form-urlencoded"), false, 422, 0},
		{"too large", "/hooks/NAME", `"` + strings.Repeat("x", 5000) + `"`, nil, false, 413, 0},
		{"compressed", "/hooks/NAME", "{}", append(right("{}"), "Content-Encoding", "gzip"), false, 415, 0},
	} {
		s := hooked(t, Hook{Adapter: "github", Secret: "mug-secret\nolder\n", Pings: c.pings, MaxBody: 4096}, nil)
		w, got := s.send(c.path, c.body, c.headers...)
		if w.Code != c.status || len(got) != c.messages {
			t.Errorf("%s: %d %s and %d messages, want %d and %d", c.name, w.Code, w.Body, len(got), c.status, c.messages)
		}
		if c.status == 401 {
			if s.parties.Load().hooks["NAME"].meter.Traffic().Dropped[reasonUnauthorized] != 1 {
				t.Errorf("%s: it is not counted", c.name)
			}
			if w.Body.String() != `{"title":"Unauthorized","status":401}`+"\n" {
				t.Errorf("%s: the answer is %s", c.name, w.Body)
			}
		}
	}
}

// TestDeliveredAgainLater: services that send no id of the delivery try again too, also when a minute is over. What is
// another event has another id.
func TestDeliveredAgainLater(t *testing.T) {
	for _, c := range []struct{ adapter, body, other string }{
		{"gerrit", `{"type":"comment-added","change":{"number":7},"eventCreatedOn":1780000000,"comment":"a"}`,
			`{"type":"comment-added","change":{"number":7},"eventCreatedOn":1780000001,"comment":"a"}`},
		{"gerrit", `{"type":"comment-added","change":{"number":7},"eventCreatedOn":1,"author":{"username":"mira"}}`,
			`{"type":"comment-added","change":{"number":7},"eventCreatedOn":1,"author":{"username":"zoe"}}`},
		{"gerrit", `{"type":"ref-updated","refUpdate":{"refName":"refs/heads/main"},"eventCreatedOn":1780000000}`,
			`{"type":"ref-updated","refUpdate":{"refName":"refs/heads/next"},"eventCreatedOn":1780000000}`},
		{"gerrit", `{"type":"project-created","projectName":"a","eventCreatedOn":1780000000}`,
			`{"type":"project-created","projectName":"b","eventCreatedOn":1780000000}`},
		{"jenkins", `{"build":{"full_url":"https://ci.example.org/job/a/1/","phase":"STARTED"}}`,
			`{"build":{"full_url":"https://ci.example.org/job/a/1/","phase":"COMPLETED"}}`},
		{"jenkins", `{"build":{"url":"job/a/1/","phase":"STARTED"}}`, `{"build":{"url":"job/a/2/","phase":"STARTED"}}`},
	} {
		s := hooked(t, Hook{Adapter: c.adapter}, nil)
		_, first := s.send("/hooks/NAME/mug-secret", c.body)
		_, other := s.send("/hooks/NAME/mug-secret", c.other)
		s.now = func() time.Time { return testNow.Add(2 * time.Minute) }
		_, again := s.send("/hooks/NAME/mug-secret", c.body)
		if len(first) != 1 || !slices.Equal(ids(first), ids(again)) || slices.Equal(ids(first), ids(other)) {
			t.Errorf("%s: %q, again %q, another event %q", c.body, ids(first), ids(again), ids(other))
		}
	}
}

// TestEnvelopesKeepTheirTime: what is a message already was sent when it says.
func TestEnvelopesKeepTheirTime(t *testing.T) {
	for said, want := range map[string]int64{
		`1779999000`: 1779999000, `1779999000.25`: 1779999000, `1780000100`: 1780000100, `"1779999000"`: 1780000000,
		`1790000000`: 1780000000, `-5`: 1780000000, `0`: 1780000000, `1e400`: 1780000000, `{}`: 1780000000,
	} {
		body := `{"msg":{"a":1},"msg_id":"p-1","timestamp":` + said + `}`
		_, got := hooked(t, Hook{Adapter: "pagure"}, nil).send("/hooks/NAME", body,
			"X-Pagure-Signature-256", sign("mug-secret", body))
		if len(got) != 1 || got[0].Time.Unix() != want || len(got[0].Mended) > 0 {
			t.Errorf("%s: %+v, want the time %d", said, got, want)
		}
	}
}

func TestHookRate(t *testing.T) {
	s := hooked(t, Hook{Adapter: "gerrit", Rate: 0.1, Burst: 1}, nil)
	first, _ := s.send("/hooks/NAME/mug-secret", "{}")
	second, _ := s.send("/hooks/NAME/mug-secret", "{}")
	if first.Code != 202 || second.Code != 429 || second.Header().Get("Retry-After") != "10" {
		t.Errorf("%d, then %d %v", first.Code, second.Code, second.Header())
	}
}

func TestHookRemoves(t *testing.T) {
	site := map[string]Adapter{"own": {Topic: "own", Signatures: []Signature{{Scheme: schemePath}},
		Remove: []string{"commits.*.author.email", "pusher.email", "none.x", "commits.*"}}}
	_, got := hooked(t, Hook{Adapter: "own"}, site).send("/hooks/NAME/mug-secret",
		`{"commits":[{"author":{"email":"a@b","name":"a"}},7],"pusher":{"email":"a@b"},"n":1.0}`)
	const want = `"msg":{"commits":[{"author":{"name":"a"}},7],"n":1.0,"pusher":{}}}`
	if len(got) != 1 || !strings.HasSuffix(string(got[0].Payload), want) {
		t.Errorf("%s, want …%s", got[0].Payload, want)
	}
}

func TestTimedList(t *testing.T) {
	at, body := fmt.Sprint(testNow.Unix()), `{"id":"evt_1","type":"charge.done"}`
	old := fmt.Sprint(testNow.Unix() - 301)
	for _, c := range []struct {
		header string
		status int
	}{
		{"t=" + at + ",v1=" + sign("x", at+"."+body) + ",v0=00,v1=" + sign("mug-secret", at+"."+body), 202},
		{"t=" + old + ",v1=" + sign("mug-secret", old+"."+body), 401},
		{"v1=" + sign("mug-secret", "."+body), 401},
		{"t=,v1=" + sign("mug-secret", "."+body), 401},
		{"t=NaN,v1=" + sign("mug-secret", "NaN."+body), 401},
		{"t=" + at, 401},
	} {
		w, got := hooked(t, Hook{Adapter: "stripe"}, nil).send("/hooks/NAME", body, "Stripe-Signature", c.header)
		if w.Code != c.status || c.status == 202 && (got[0].ID != "evt_1" || got[0].Topic != "stripe.charge.done") {
			t.Errorf("%s: %d %s, %v, want %d", c.header, w.Code, w.Body, topics(got), c.status)
		}
	}
}

func TestHookMistakes(t *testing.T) {
	ways := []Signature{{Scheme: schemePath}}
	for _, c := range []struct {
		hook    Hook
		adapter Adapter
		want    string
	}{
		{Hook{}, Adapter{}, "adapter: "},
		{Hook{Adapter: "nothing", Secret: "x"}, Adapter{}, "github"},
		{Hook{Adapter: "github"}, Adapter{}, "secret"},
		{Hook{Adapter: "github", Secret: "\n"}, Adapter{}, "secret"},
		{Hook{Adapter: "github", Secret: "x", Prefix: "org.#"}, Adapter{}, "prefix"},
		{Hook{Adapter: "github", Secret: "x", MaxBody: 1}, Adapter{}, "max_body"},
		{Hook{Adapter: "github", Secret: "x", Rate: -1}, Adapter{}, "rate"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Topic: "x"}, "signatures"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Signatures: ways}, "topic"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Signatures: ways, Topic: "{body a"}, "topic"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Signatures: ways, Topic: "{cookie a}"}, "topic"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Signatures: ways, Topic: "{body a | run b}"}, "topic"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Signatures: ways, Topic: "a}"}, "topic"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Topic: "x", Signatures: []Signature{{Scheme: "md5"}}}, "scheme"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Topic: "x", Signatures: []Signature{{Scheme: "hmac"}}}, "header"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Topic: "x", Signatures: []Signature{
			{Scheme: "hmac", Header: "X", Timestamp: "X-T"}}}, "timestamp"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Topic: "x", Signatures: []Signature{
			{Scheme: "hmac", Header: "X", Signed: "x"}}}, "signed"},
		{Hook{Adapter: "own", Secret: "x"}, Adapter{Topic: "x", Signatures: []Signature{
			{Scheme: "hmac", Header: "X", Encoding: "hexx"}}}, "encoding"},
	} {
		config := Config{Listen: ":0", Hooks: map[string]Hook{"NAME": c.hook}}
		if c.hook.Adapter == "own" {
			config.Adapters = map[string]Adapter{"own": c.adapter}
		}
		if _, err := New(config, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c, err, c.want)
		}
	}
	both := Config{Listen: ":0", Senders: ferry, Hooks: map[string]Hook{"ferry": {Adapter: "github", Secret: "x"}}}
	if _, err := New(both, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a hook and a sender may have one name")
	}
}

// TestAdaptersHaveDocs: the manual is made of them by hand, and each says what it is for.
func TestAdaptersHaveDocs(t *testing.T) {
	all, err := readAdapters(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range all {
		if !strings.HasSuffix(a.Doc, ".") {
			t.Errorf("%s: the doc is %q", name, a.Doc)
		}
	}
	if len(all) < 15 {
		t.Errorf("only %d adapters", len(all))
	}
}

// FuzzHook: whatever comes to a hook, signed by the service or not, makes at most one message, under the topic of the
// adapter.
func FuzzHook(f *testing.F) {
	f.Add("github", `{"action":"x"}`, "push", "d", "application/json", true)
	f.Add("gitlab", `{"object_kind":"push"}`, "Push Hook", "\x00", "", true)
	f.Add("forgejo", "payload=%7B%7D&payload=1", "a.b.c", "", "application/x-www-form-urlencoded", true)
	f.Add("discourse", `{"post":{"raw":"\ud800","cooked":[]}}`, "Ä", "..", "text/html", true)
	f.Add("pagure", `{"msg":{"a":1e999},"msg_id":""}`, "issue.new", "x", "", true)
	f.Add("bitbucket", `[{"a":NaN}]`, "repo:push::", "x", "", false)
	f.Add("jenkins", `{"build":{"phase":{},"full_url":7}}`, "", "", "", true)
	adapters, err := readAdapters(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind, body, event, id, contentType string, known bool) {
		a := adapters[kind]
		if a == nil {
			return
		}
		h := &hook{sender: &sender{name: "NAME"}, adapter: a, prefix: "org.example."}
		d := delivery{header: map[string][]string{"Content-Type": {contentType}}, token: event, raw: []byte(body),
			now: testNow}
		for _, name := range a.Headers {
			d.header.Set(name, event)
		}
		for _, name := range []string{"X-GitHub-Delivery", "X-Forgejo-Delivery", "Idempotency-Key", "Webhook-Id",
			"X-Request-Id"} {
			d.header.Set(name, id)
		}
		for _, s := range a.Signatures {
			if s.Header != "" {
				d.header.Set(s.Header, s.Prefix+id)
			}
		}
		d.payload, err = h.payload(d)
		if proof := a.verify([]string{"nobody knows this secret"}, d); proof != "" {
			t.Fatalf("%s: %q proves something", kind, proof)
		}
		if err != nil || !known {
			return
		}
		made, err := h.message(d, proofSignature)
		if err != nil {
			return
		}
		m, err := bus.Decode(bus.Frame{Topic: made.topic, Payload: made.payload}, testNow)
		if err != nil || m.ID != made.id || len(m.Mended) > 0 || !strings.HasPrefix(m.Topic, "org.example.") ||
			strings.Count(m.Topic, ".") > 7 || strings.Contains(m.Topic, "..") {
			t.Fatalf("%s: %q made %q: %v, %+v", kind, body, made.payload, err, m)
		}
	})
}
