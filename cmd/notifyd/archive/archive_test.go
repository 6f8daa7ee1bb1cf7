package archive

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// pages is a datagrepper that has two pages, and may have more later.
type pages struct{ asked bus.Hole }

func (p *pages) Fetch(_ context.Context, h bus.Hole, page func(bus.Page) error) error {
	p.asked = h
	for _, payloads := range [][]string{
		{`{"msg_id":"1","msg":{}}`, `[`},
		{`{"msg_id":"2","msg":{}}`, `{"msg_id":"3","msg":{}}`},
	} {
		var next bus.Page
		for _, payload := range payloads {
			next.Frames = append(next.Frames, bus.Frame{Topic: "t", Payload: []byte(payload)})
		}
		if err := page(next); err != nil {
			return err
		}
	}
	return bus.ErrTooEarly
}

func TestDatagrepperIsAnArchive(t *testing.T) {
	d, since, until := &pages{}, time.Unix(1, 0), time.Unix(2, 0)
	archive := Datagrepper{Fetcher: d, Now: func() time.Time { return until }}
	var got []string
	wanted := func(m *bus.Message) bool { return m.ID != "2" }
	take := func(m *bus.Message) error { got = append(got, m.ID); return nil }
	if err := archive.Each(t.Context(), since, until, wanted, take); err != nil || strings.Join(got, " ") != "1 3" {
		t.Errorf("%v, got %q", err, got)
	}
	if d.asked.Since != since || d.asked.Until != until {
		t.Errorf("asked %+v", d.asked)
	}
	full := errors.New("full")
	err := archive.Each(t.Context(), since, until, wanted, func(*bus.Message) error { return full })
	if !errors.Is(err, full) {
		t.Error(err)
	}
}
