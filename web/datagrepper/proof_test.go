package datagrepper_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestSignaturesSurvive: a program that fills holes from this archive can still check who has signed a message.
func TestSignaturesSurvive(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "fedmsg-vectors", "real-signed.json"))
	if err != nil {
		t.Skip("needs ../shared/fedmsg-vectors/real-signed.json")
	}
	var vectors []struct {
		Topic, Body string
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store := history.NewStore(d.Writer, d.Reader, clock)
		sent := make(map[string]*bus.Message)
		var events []*catalogue.Event
		for _, v := range vectors {
			m, err := bus.Decode(bus.Frame{Source: "main", Topic: v.Topic, Payload: []byte(v.Body)}, now)
			if err != nil {
				t.Fatal(err)
			}
			sent[m.ID] = m
			events = append(events, &catalogue.Event{Message: m, App: "app", Kind: "app.kind", Actor: "somebody"})
		}
		err := d.Writer.Transaction(func(tx *gorm.DB) error {
			_, err := store.Append(tx, events)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		for page := 1; page < 4; page++ {
			answer := ask(t, store, question{target: fmt.Sprintf("/raw?rows_per_page=20&page=%d&meta=summary", page)})
			read, err := bus.ReadDatagrepper([]byte(answer.body))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range read.Frames {
				m, err := bus.Decode(f, now)
				if err != nil {
					t.Fatal(err)
				}
				was := sent[m.ID]
				if was.Proof() == nil {
					continue
				}
				got, want := m.Proof().Envelope(), was.Proof().Envelope()
				if compared++; !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %v, want %v", m.ID, got, want)
				}
			}
		}
		if compared < 20 {
			t.Errorf("compared %d", compared)
		}
	})
}
