package nats

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/notifyd/notifyd/bus"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// publish sends messages as they are, and waits until the stream has them. It leaves out what NATS cannot carry.
func publish(t testing.TB, js jetstream.JetStream, prefix string, messages ...bus.Frame) (sent int) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, m := range messages {
		if !isSubject(m.Topic, false) {
			continue
		}
		_, err := js.Publish(ctx, prefix+m.Topic, m.Payload)
		if errors.Is(err, natsgo.ErrMaxPayload) {
			continue
		}
		if err != nil {
			t.Errorf("publish: %v", err)
			return sent
		}
		sent++
	}
	return sent
}

// publishParts sends a message whose id and headers stand beside its body.
func publishParts(t testing.TB, js jetstream.JetStream, subject, body string, headers map[string]string) {
	t.Helper()
	m := natsgo.NewMsg(subject)
	m.Data = []byte(body)
	for name, value := range headers {
		m.Header.Set(name, value)
	}
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func natsUser(user, password string) natsgo.Option { return natsgo.UserInfo(user, password) }
