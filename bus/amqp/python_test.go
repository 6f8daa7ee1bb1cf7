package amqp

import (
	"encoding/json"
	"os/exec"
	"reflect"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestFedoraMessaging: the publisher is pika, the client library below fedora-messaging, with its headers.
func TestFedoraMessaging(t *testing.T) {
	broker := rabbittest.Get(t)
	python := exectest.Python(t, "pika")
	exchange, queue := makeQueue(t, broker.Channel(t), nil)
	r := start(t, "url: %q, queue: %s, exchange: %s", broker.URL(rabbittest.Admin), queue, exchange)
	out, err := exec.CommandContext(t.Context(), python, "testdata/publish.py", broker.URL(rabbittest.Other),
		exchange).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f := r.next()
	f.Done()
	m, err := bus.Decode(f, reception)
	if err != nil {
		t.Fatal(err)
	}
	if m.ID != "6a2e6a0f-0d2c-4a5c-9a63-0a1e0e6f4a51" || m.Topic != "org.fedoraproject.prod.bodhi.update.comment" ||
		!m.Time.Equal(time.Date(2026, 5, 28, 20, 26, 40, 0, time.UTC)) || m.Mended != nil || m.Publisher != "" {
		t.Errorf("id %q, topic %q, time %v, mended %q, publisher %q", m.ID, m.Topic, m.Time, m.Mended, m.Publisher)
	}
	headers := map[string]any{
		"fedora_messaging_schema": "bodhi.update.comment", "fedora_messaging_schema_package": "bodhi-messages",
		"fedora_messaging_severity": json.Number("20"), "fedora_messaging_user_zoe": true, "fedora_messaging_rpm_bash": true,
		"sent-at": "2026-05-28T20:26:40+00:00", "priority": json.Number("0"), "large": json.Number("1099511627776"),
		"nested": map[string]any{"list": []any{json.Number("1"), "two", nil, "raw"}},
	}
	body := map[string]any{
		"comment": map[string]any{"text": "zoë 🦀", "karma": json.Number("-1"), "ratio": nil}, "user": "zoe",
	}
	if !reflect.DeepEqual(m.Headers, headers) || !reflect.DeepEqual(m.Body, body) {
		t.Errorf("headers %v, body %v", m.Headers, m.Body)
	}
}
