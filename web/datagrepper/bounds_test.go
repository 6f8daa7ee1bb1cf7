package datagrepper_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web/datagrepper"
)

// many makes messages of one topic.
func many(n int, text string) (all []stored) {
	for i := range n {
		all = append(all, stored{ID: fmt.Sprintf("2026-%08d", i), Topic: "org.example.prod.git.receive",
			Timestamp: float64(now.Unix() - int64(i)), Msg: json.RawMessage(`{"text": "` + text + `"}`)})
	}
	return all
}

// A slowClient takes no byte until it is let go.
type slowClient struct {
	*httptest.ResponseRecorder
	stuck *sync.WaitGroup
	free  chan struct{}
}

func (c *slowClient) Write(text []byte) (int, error) {
	c.stuck.Done()
	<-c.free
	return len(text), nil
}

// TestSlowReadersKeepNobodyOut: clients that do not read their answers, small or large, leave the archive to others.
func TestSlowReadersKeepNobodyOut(t *testing.T) {
	d := migratest.Copy(t)
	store := load(t, d, many(60, strings.Repeat("x", 2000)))
	handler := newHandler(t, datagrepper.Options{History: store, Now: clock, Log: slog.New(slog.DiscardHandler)})
	for _, target := range []string{"/messagecount", "/raw?rows_per_page=60"} {
		const clients = 20
		var stuck, all sync.WaitGroup
		stuck.Add(clients)
		free := make(chan struct{})
		for range clients {
			all.Go(func() {
				client := &slowClient{httptest.NewRecorder(), &stuck, free}
				handler.ServeHTTP(client, httptest.NewRequest(http.MethodGet, target, nil))
			})
		}
		stuck.Wait()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s: with %d slow clients another gets %d: %s", target, clients, w.Code, w.Body)
		}
		close(free)
		all.Wait()
	}
}

func newHandler(t *testing.T, o datagrepper.Options) http.Handler {
	t.Helper()
	kinds, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	o.Describe = kinds.Describe
	handler, err := datagrepper.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// TestTotalsAreKeptForAMinute: what takes long to count is counted once for all pages, and again after a minute.
func TestTotalsAreKeptForAMinute(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store, at := load(t, d, many(30, "x")), now
		handler := newHandler(t, datagrepper.Options{History: store, Now: func() time.Time { return at },
			Log: slog.New(slog.DiscardHandler)})
		total := func(target string) (n int) {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
			var a struct{ Total, MessageCount int }
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
				t.Fatal(err, w.Body)
			}
			return a.Total + a.MessageCount
		}
		const pages = "/raw?rows_per_page=5&category=git&page="
		first := total(pages + "1")
		datagrepper.KeepEveryTotal(handler)
		if n := total(pages + "1"); first != 30 || n != 30 {
			t.Fatalf("%d, then %d", first, n)
		}
		if err := d.Writer.Exec("DELETE FROM messages WHERE msg_id LIKE '%9'").Error; err != nil {
			t.Fatal(err)
		}
		if n := total(pages + "2"); n != 30 {
			t.Errorf("another page of the same has %d", n)
		}
		if n := total("/raw?rows_per_page=5&topic=org.example.prod.git.receive"); n != 27 {
			t.Errorf("another query has %d", n)
		}
		at = at.Add(time.Minute)
		if n := total(pages + "3"); n != 27 {
			t.Errorf("after a minute there are %d", n)
		}
	})
}

// TestNothingIsPassedOverThatContains: what is looked at before a message is read lets every match through, however
// the sender wrote its JSON.
func TestNothingIsPassedOverThatContains(t *testing.T) {
	letters := rapid.StringOfN(rapid.SampledFrom([]rune(`abcEu09 "\/é"ñ😀_%.-`+"\n")), 0, 12, -1)
	rapid.Check(t, func(r *rapid.T) {
		text := letters.Draw(r, "text")
		content, err := json.Marshal(map[string]any{"text": text, "list": []any{1e30, "abc", nil}})
		if err != nil {
			r.Fatal(err)
		}
		if rapid.Bool().Draw(r, "escaped") { // as some program may write it
			content = []byte(strings.ReplaceAll(string(content), "a", `\u0061`))
		}
		value := letters.Draw(r, "value")
		if cut := rapid.IntRange(0, len(text)).Draw(r, "cut"); rapid.Bool().Draw(r, "part") {
			value = text[cut:]
		}
		payload := []byte(`{"topic": "a.b", "msg": ` + string(content) + `}`)
		if may, does := datagrepper.MayMatch(value, payload); does && !may {
			r.Fatalf("%q is in %s", value, payload)
		}
	})
	if may, _ := datagrepper.MayMatch("xylophone", []byte(`{"msg": {"text": "something else"}}`)); may {
		t.Error("a message without the word is read")
	}
}
