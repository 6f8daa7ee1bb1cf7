package datagrepper_test

import (
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web/datagrepper"
)

var now = time.Unix(1793534400, 0).UTC()

func clock() time.Time { return now }

// load stores messages with the names that they are given with.
func load(t *testing.T, d *migrations.DB, messages []stored) *history.Store {
	t.Helper()
	store := history.NewStore(d.Writer, d.Reader, func() time.Time { return now.AddDate(1, 0, 0) })
	var events []*catalogue.Event
	for _, s := range messages {
		payload := map[string]any{"msg_id": s.ID, "topic": s.Topic, "i": s.I, "msg": s.Msg, "timestamp": s.Timestamp}
		e := &catalogue.Event{Users: s.Users, Packages: s.Packages, App: "app", Kind: "app.kind"}
		if s.Agent != nil {
			e.Actor = *s.Agent
		}
		if s.Headers != nil {
			payload["headers"] = s.Headers
		}
		for name, value := range map[string]*string{"crypto": s.Crypto, "certificate": s.Certificate,
			"signature": s.Signature} {
			if value != nil {
				payload[name] = *value
			}
		}
		text, err := json.Marshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		if e.Message, err = bus.Decode(bus.Frame{Source: "main", Topic: s.Topic, Payload: text}, now); err != nil {
			t.Fatal(err)
		}
		e.Time = time.UnixMicro(int64(math.Round(s.Timestamp * 1e6))).UTC()
		events = append(events, e)
	}
	err := d.Writer.Transaction(func(tx *gorm.DB) error {
		_, err := store.Append(tx, events)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// A question is a request, and the settings of the server.
type question struct {
	method, target string
	headers        map[string]*string // nil: not sent; without Accept */* is sent
	old, private   bool
	origins        []string
	delta          float64
}

type reply struct {
	status int
	header http.Header
	body   string
	jsonp  string
	json   map[string]any
	times  map[string]float64 // of all messages
}

func ask(t *testing.T, store *history.Store, q question) reply {
	t.Helper()
	kinds, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	handler, err := datagrepper.Handler(datagrepper.Options{
		History: store, Now: clock, Log: slog.New(slog.DiscardHandler), Old: q.old,
		Describe: kinds.Describe, Origins: q.origins, Private: q.private, URL: "http://localhost",
		DefaultDelta: time.Duration(q.delta * float64(time.Second)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if q.method == "" {
		q.method = http.MethodGet
	}
	r := httptest.NewRequest(q.method, q.target, nil)
	r.Header.Set("Accept", "*/*")
	for name, value := range q.headers {
		r.Header.Del(name)
		if value != nil {
			r.Header.Set(name, *value)
		}
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	a := reply{status: w.Code, header: w.Header(), body: w.Body.String()}
	text := a.body
	if name, rest, ok := strings.Cut(text, "({"); ok && strings.HasSuffix(rest, "});") {
		a.jsonp, text = name, "{"+strings.TrimSuffix(rest, ");")
	}
	_ = json.Unmarshal([]byte(text), &a.json) // not all answers are JSON
	return a
}

// differs compares one part of an answer.
func (a reply) differs(what string, want json.RawMessage) string {
	var w any
	if err := json.Unmarshal(want, &w); err != nil {
		return err.Error()
	}
	var got any
	switch what {
	case "count", "total", "pages", "error", "messagecount":
		got = a.json[what]
	case "ids":
		got, w = a.moments(a.ids()), a.moments(texts(w))
	case "arguments":
		return a.argumentsDiffer(w.(map[string]any))
	case "content_type":
		got = a.header.Get("Content-Type")
	case "error_text":
		got = a.errorText()
	case "jsonp":
		got = a.jsonp
	case "message":
		got = any(a.json)
		delete(a.json, "source_version")
		delete(w.(map[string]any), "source_version")
	case "messages":
		return a.messagesDiffer(w.([]any))
	case "meta":
		var all []any
		for _, m := range a.messages() {
			all = append(all, m["meta"])
		}
		got = any(all)
	case "groups":
		got, w = len(a.json["raw_messages"].([]any)), len(w.([]any))
	case "cors":
		got = any(a.cors())
	case "html":
		got = any(a.html())
	case "error_has":
		for _, key := range texts(w) {
			if _, ok := a.json[key]; !ok {
				return key + " is missing"
			}
		}
		return ""
	case "contains":
		for _, part := range texts(w) {
			if !strings.Contains(a.body, part) {
				return "lacks " + part
			}
		}
		return ""
	case "chart":
		return a.chartDiffers(w.(map[string]any))
	default:
		return "not compared"
	}
	if !reflect.DeepEqual(got, w) {
		return fmt.Sprintf("%.600v, want %.600v", got, w)
	}
	return ""
}

func (a reply) messages() (all []map[string]any) {
	list, _ := a.json["raw_messages"].([]any)
	for _, m := range list {
		all = append(all, m.(map[string]any))
	}
	return all
}

func texts(list any) []string {
	all := []string{}
	for _, v := range list.([]any) {
		all = append(all, v.(string))
	}
	return all
}

func (a reply) ids() []string {
	all := []string{}
	for _, m := range a.messages() {
		id, ok := m["msg_id"].(string)
		if !ok {
			id, _ = m["id"].(string)
		}
		all = append(all, id)
	}
	return all
}

// moments gives the times of messages, in their order, which must all be different: those of one time may stand in any
// order, also where a page ends between them.
func (a reply) moments(ids []string) string {
	var all []string
	seen := make(map[string]bool)
	for _, id := range ids {
		if seen[id] {
			return "twice " + id
		}
		seen[id] = true
		all = append(all, fmt.Sprint(a.times[id]))
	}
	return strings.Join(all, " ")
}

// argumentsDiffer compares arguments, of which the usual values are left out in want.
func (a reply) argumentsDiffer(want map[string]any) string {
	got, _ := a.json["arguments"].(map[string]any)
	usual := map[string]any{"page": 1.0, "rows_per_page": 25.0, "order": "desc", "grouped": false}
	for name, value := range got {
		w, stated := want[name]
		if !stated {
			w = usual[name]
			if w == nil {
				w = []any{}
			}
		}
		if !reflect.DeepEqual(value, w) {
			return fmt.Sprintf("%s is %v, want %v", name, value, w)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			return name + " is missing"
		}
	}
	return ""
}

func (a reply) messagesDiffer(want []any) string {
	got := a.messages()
	for i, w := range want {
		if i >= len(got) {
			return "too few"
		}
		delete(got[i], "source_version")
		delete(w.(map[string]any), "source_version")
		if !reflect.DeepEqual(got[i], w) {
			return fmt.Sprintf("message %d is %v, want %v", i, got[i], w)
		}
	}
	return ""
}

var paragraph = regexp.MustCompile(`(?s)<p>(.*?)</p>`)

func (a reply) errorText() string {
	found := paragraph.FindStringSubmatch(a.body)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

func (a reply) cors() map[string]any {
	all := make(map[string]any)
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods",
		"Access-Control-Allow-Headers", "Access-Control-Max-Age"} {
		if value := a.header.Get(name); value != "" {
			all[name] = value
		}
	}
	if len(all) > 1 && a.header.Get("Vary") != "" {
		all["Vary"] = a.header.Get("Vary")
	}
	return all
}

var linked = regexp.MustCompile(`/id\?id=([^&"]+)`)

func (a reply) html() map[string]any {
	ids := []any{}
	for _, found := range linked.FindAllStringSubmatch(a.body, -1) {
		ids = append(ids, found[1])
	}
	return map[string]any{"frame": strings.Contains(a.body, "<html"), "ids_linked": ids,
		"cards": float64(strings.Count(a.body, `class="card `))}
}

var (
	values  = regexp.MustCompile(`<desc class="value">([^<]*)</desc>`)
	inText  = regexp.MustCompile(`<text[^>]*>([^<]*)</text>`)
	viewBox = regexp.MustCompile(`viewBox="([^"]*)"`)
)

// chartDiffers compares what a chart says.
func (a reply) chartDiffers(want map[string]any) string {
	got := map[string]any{"series": []any{}, "legend": []any{}, "title": []any{}, "x_labels": []any{},
		"viewBox": viewBox.FindStringSubmatch(a.body)[1]}
	for _, part := range strings.Split(a.body, `<g class="series`)[1:] {
		if found := all(values, part, `<g class="legends`); len(found) > 0 {
			got["series"] = append(got["series"].([]any), any(found))
		}
	}
	for _, part := range strings.Split(a.body, `<g class="legend"`)[1:] {
		got["legend"] = append(got["legend"].([]any), all(inText, part, "</g>")...)
	}
	if _, rest, ok := strings.Cut(a.body, `<g class="titles"`); ok {
		got["title"] = all(inText, rest, "</g>")
	}
	if _, rest, ok := strings.Cut(a.body, `<g class="axis x"`); ok {
		got["x_labels"] = all(inText, rest, "</g>")
	}
	for name, w := range want {
		if !reflect.DeepEqual(got[name], w) {
			return fmt.Sprintf("%s is %v, want %v", name, got[name], w)
		}
	}
	return ""
}

// all gives what an expression finds, up to end.
func all(re *regexp.Regexp, text, end string) []any {
	text, _, _ = strings.Cut(text, end)
	found := []any{}
	for _, one := range re.FindAllStringSubmatch(text, -1) {
		found = append(found, html.UnescapeString(one[1]))
	}
	return found
}
