package status

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus/pace"
)

var now = time.Date(2026, 5, 13, 12, 0, 0, 0, time.UTC)

const metrics = `# HELP notifyd_build_info x
# TYPE notifyd_build_info gauge
notifyd_build_info{version="x"} 1
# TYPE notifyd_source_connected gauge
notifyd_source_connected{address="tcp://a:2",source="a"} 0
notifyd_source_connected{address="tcp://a:1",source="a"} 1
notifyd_source_connected{address="tcp://b:1",source="b \"x\""} 0
# TYPE notifyd_source_messages_received_total counter
notifyd_source_messages_received_total{address="tcp://a:1",source="a"} 1.5e+06
notifyd_source_messages_received_total{address="/tmp/x",source="file"} 7
notifyd_source_messages_received_total{address="tcp://c:1",source="other"} 3
# TYPE notifyd_source_standby gauge
notifyd_source_standby{address="tcp://c:1",source="other"} 1
# TYPE notifyd_source_last_message_timestamp_seconds gauge
notifyd_source_last_message_timestamp_seconds{address="tcp://a:1",source="a"} 1.764438845123e+09
# TYPE notifyd_backend_down gauge
notifyd_backend_down{backend="irc"} 1
notifyd_backend_down{backend="email"} 0
# TYPE notifyd_bridge_up gauge
notifyd_bridge_up{bridge="to_amqp.main",to="rabbit x"} 0
# TYPE notifyd_bridge_behind_messages gauge
notifyd_bridge_behind_messages{bridge="to_amqp.main",to="rabbit x"} 7
# TYPE notifyd_bridge_behind_seconds gauge
notifyd_bridge_behind_seconds{bridge="to_amqp.main",to="rabbit x"} 90
# TYPE notifyd_bridge_sent_total counter
notifyd_bridge_sent_total{bridge="to_amqp.main",to="rabbit x"} 12
# TYPE notifyd_bridge_lost_total counter
notifyd_bridge_lost_total{bridge="to_amqp.main",to="rabbit x"} 3
# TYPE notifyd_service_silent gauge
notifyd_service_silent{service="git",under="org.example.prod"} 1
notifyd_service_silent{service="wiki",under="org.example.prod"} 0
# TYPE notifyd_service_last_message_timestamp_seconds gauge
notifyd_service_last_message_timestamp_seconds{service="git",under="org.example.prod"} 1.764438845123e+09
# TYPE notifyd_service_usual_messages gauge
notifyd_service_usual_messages{service="git",under="org.example.prod"} 310
# TYPE notifyd_service_usual_weeks gauge
notifyd_service_usual_weeks{service="git",under="org.example.prod"} 8
notifyd_service_usual_weeks{service="wiki",under="org.example.prod"} 1
# TYPE notifyd_source_silent gauge
notifyd_source_silent{source="a"} 1
# TYPE notifyd_services_full gauge
notifyd_services_full 1
`

// listening serves a listener's pages for the time of the test.
func listening(t *testing.T, status int, ready, metrics string) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, ready)
	})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, metrics) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

const isReady = `{"ready":true,"problem":"","warnings":["nothing is verified"],"nodes":[{"name":"one","version":"2",
	"started":"2026-05-01T00:00:00Z","seen":"2026-05-13T11:59:58Z","this":true,"holds":["backend irc","history"]},{"name":"two"}]}`

func TestAsk(t *testing.T) {
	r, err := Ask(t.Context(), listening(t, 200, isReady, metrics))
	if err != nil {
		t.Fatal(err)
	}
	last := time.UnixMilli(1764438845123).UTC()
	want := Report{
		Ready: true, Warnings: []string{"nothing is verified"},
		Endpoints: []Endpoint{{"a", "tcp://a:1", true, 1.5e6, &last, false, false, true},
			{"a", "tcp://a:2", false, 0, nil, false, false, true}, {`b "x"`, "tcp://b:1", false, 0, nil, false, false, false},
			{"file", "/tmp/x", false, 7, nil, true, false, false},
			{"other", "tcp://c:1", false, 3, nil, false, true, false}},
		Backends: []Backend{{"email", false}, {"irc", true}},
		Services: []Service{
			{"git", "org.example.prod", last, Usual{310, 8}, pace.Silent},
			{"wiki", "org.example.prod", time.Time{}, Usual{0, 1}, pace.Unknown},
		},
		Bridges: []Bridge{{"to_amqp.main", "rabbit x", false, 7, 90, 12, 3}},
		Nodes: []Node{{Name: "one", Version: "2", Started: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
			Seen: now.Add(-2 * time.Second), This: true, Holds: []string{"backend irc", "history"}},
			{Name: "two", Holds: []string{}}},
	}
	want.Warnings = append(want.Warnings, "not all services are shown: there are more than are followed")
	if !reflect.DeepEqual(r, want) {
		t.Errorf("%+v, want %+v", r, want)
	}
	r.Judge()
	down := []string{"endpoint a is silent", `endpoint b "x" is not connected`, "backend irc is down",
		"bridge to_amqp.main is down; 7 messages wait", "service git of org.example.prod is silent"}
	if !slices.Equal(r.Down, down) {
		t.Errorf("down %q, want %q", r.Down, down)
	}
	r, err = Ask(t.Context(), listening(t, 503, `{"ready":false,"problem":"the database does not answer"}`, metrics))
	if r.Judge(); err != nil || r.Down[0] != "notifyd is not ready: the database does not answer" {
		t.Errorf("down %q, error %v", r.Down, err)
	}
}

// TestAskWhatIsNoDaemon: nothing that answers there harms or holds up the command.
func TestAskWhatIsNoDaemon(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler("https://example.org/", http.StatusFound))
	defer elsewhere.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, c := range []struct{ name, url, want string }{
		{"nobody", gone.URL, "connection refused"},
		{"slow", slow.URL, "deadline exceeded"},
		{"elsewhere", elsewhere.URL, "it redirects"},
		{"another page", listening(t, 404, "no", ""), "404 Not Found"},
		{"another program", listening(t, 200, "ok", ""), "gives no answer of notifyd's"},
		{"other JSON", listening(t, 200, "{}", ""), "gives no answer of notifyd's"},
		{"too large", listening(t, 200, isReady+strings.Repeat(" ", maxReady), ""), "more than 1048576 bytes"},
		{"no metrics", listening(t, 200, isReady, ""), "has no metrics of notifyd's"},
		{"others' metrics", listening(t, 200, isReady, "up 1\n"), "has no metrics of notifyd's"},
		{"torn metrics", listening(t, 200, isReady, metrics+"x{"), "read metrics: "},
		{"no URL", "http://[", "missing ']'"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := Ask(ctx, c.url); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
		cancel()
	}
}

func TestPrint(t *testing.T) {
	last := now.Add(-3*time.Minute - 4*time.Second)
	r := Report{
		Ready: true, Warnings: []string{"nothing is verified"},
		Endpoints: []Endpoint{{"hub", "tcp://hub:9940", true, 12, &last, false, false, false},
			{"x\x1b[2J", "tcp://x:1", false, 0, nil, false, false, false},
			{"quiet", "tcp://q:1", true, 0, nil, false, false, true},
			{"file", "/tmp/x", false, 7, nil, true, false, false},
			{"other", "tcp://c:1", false, 3, nil, false, true, false}},
		Backends: []Backend{{"irc", true}},
		Services: []Service{
			{"git", "org.example.prod", now.Add(-50 * time.Hour), Usual{12.5, 4}, pace.Silent},
			{Name: "wiki", Under: "org.example.prod", Last: now, State: pace.Unknown},
		},
		Nodes: []Node{{Name: "one", Version: "2", Seen: now.Add(-2 * time.Second), This: true, Holds: []string{"a b", "c"}},
			{Name: "two\x1b[2J", Version: "1", Seen: now.Add(-time.Hour), Gone: true}},
	}
	r.Judge()
	var out strings.Builder
	if err := r.Print(&out, now); err != nil {
		t.Fatal(err)
	}
	want := `warning: nothing is verified

ENDPOINT  ADDRESS         STATE          LAST MESSAGE  SINCE START
hub       tcp://hub:9940  connected      3m 4s ago     12
x[2J      tcp://x:1       not connected  none          0
quiet     tcp://q:1       silent         none          0
file      /tmp/x          ended          none          7
other     tcp://c:1       standby        none          3

BACKEND  STATE
irc      down

SERVICE  OF                LAST SEEN  USUAL THIS HOUR  STATE
git      org.example.prod  2d 2h ago  12.5             silent
wiki     org.example.prod  0s ago     not known        unknown

NODE    VERSION  SEEN       STATE          DOES ALONE
one     2        2s ago     ok (this one)  a b, c
two[2J  1        1h 0m ago  gone           

DOWN: endpoint x[2J is not connected
DOWN: endpoint quiet is silent
DOWN: backend irc is down
DOWN: service git of org.example.prod is silent
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

// FuzzReadMetrics: whatever a listener says, the command reports or refuses it.
func FuzzReadMetrics(f *testing.F) {
	for _, text := range []string{metrics, metrics + "notifyd_source_connected 1\n", metrics + "x{le=\"1\"} NaN 7\n",
		"notifyd_build_info 1\nnotifyd_source_connected{source=\"\\n\"} +Inf\n",
		"notifyd_build_info 1\nnotifyd_source_messages_received_total{source=\"a\"} NaN\n",
		"notifyd_build_info 1\nnotifyd_source_last_message_timestamp_seconds{source=\"a\"} 1e300\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r Report
		if r.readMetrics(text) != nil {
			return
		}
		if r.Judge(); r.Print(io.Discard, now) != nil {
			t.Error("it cannot be printed")
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("it cannot be written as JSON: %v", err)
		}
	})
}
