package email

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A real mail server. It takes seconds to start, so its tests share one, each after the other.
func TestPostfix(t *testing.T) {
	t.Parallel() // it waits
	server := startPostfix(t)
	t.Run("delivers", func(t *testing.T) { testPostfixDelivers(t, server) })
	t.Run("refuses", func(t *testing.T) { testPostfixRefuses(t, server) })
	t.Run("reuses connections", func(t *testing.T) { testPostfixReuse(t, server) })
}

// It takes everything we make, over STARTTLS, and what lies in the maildir reads as it was meant: by Go's parser and by
// Python's.
func testPostfixDelivers(t *testing.T, server *postfix) {
	exectest.Python(t, "email")
	carried := server.counter()
	b := newBackend(t, server.config())
	want := map[string]backends.Parcel{}
	for name, p := range gallery() {
		want["<p."+p.ID+"@lists.example.test>"] = p
		p.To = "alice+" + name + "@example.test"
		if err := b.Send(t.Context(), p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	i := 0
	for name, n := range backendtest.Hostile() {
		n.Text = n.Text[:min(len(n.Text), 1000)] // the server's limit has its own test
		p := backends.Parcel{ID: fmt.Sprintf("hostile-%d", i), To: "bob@example.test", Notices: []backends.Notice{n}}
		want["<p."+p.ID+"@lists.example.test>"] = p
		if err := b.Send(t.Context(), p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		i++
	}
	files := server.delivered(t, len(want))
	b.pool.close()
	carried(t, len(want)) // so that no other test counts them
	second := python(t, files)
	for file, data := range files {
		checkMessage(t, []byte(strings.ReplaceAll(string(data), "\n", "\r\n")))
		m, err := parse(data)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		p, ok := want[m.get("Message-Id")]
		if !ok {
			t.Errorf("an unknown message %q", m.get("Message-Id"))
			continue
		}
		if got := m.get("Subject"); got != b.composer.subject(p) && p.Options[optionFormat] != formatLinks {
			t.Errorf("Subject = %q, want %q", got, b.composer.subject(p))
		}
		compare(t, second[file], m)
	}
	if !regexp.MustCompile(`with ESMTPS id`).Match(slices.Concat(slices.Collect(maps.Values(files))...)) {
		t.Error("no message came over TLS")
	}
}

func testPostfixRefuses(t *testing.T, server *postfix) {
	carried := server.counter()
	b := newBackend(t, server.config())
	big := backendtest.Samples()[0]
	big.Text = strings.Repeat("this is too long. ", 2000)
	for _, c := range []struct {
		to, want, code string
		notice         backends.Notice
	}{
		{"gone@example.test", "refused", "550 5.1.1", backendtest.Samples()[0]},
		{"grey@example.test", "later", "450 4.7.1", backendtest.Samples()[0]},
		{"full@example.test", "refused", "552 5.2.2", backendtest.Samples()[0]},
		{"foreign@example.test", "later", "554 5.7.1", backendtest.Samples()[0]},
		{"alice@example.test", "refused", "552 5.3.4", big},
		{"alice@example.test", "sent", "", backendtest.Samples()[0]},
	} {
		err := b.Send(t.Context(), backends.Parcel{ID: "x", To: c.to, Notices: []backends.Notice{c.notice}})
		if class(err) != c.want {
			t.Errorf("%s: %v, which is %s, want %s", c.to, err, class(err), c.want)
		}
		if err != nil && (!strings.Contains(err.Error(), c.code) || strings.Contains(err.Error(), "@")) {
			t.Errorf("%s: the error %q lacks %s or contains an address", c.to, err, c.code)
		}
	}
	b.pool.close()
	server.delivered(t, 1)
	if per := carried(t, 6); len(per) != 1 {
		t.Errorf("connections carried %v transactions, want one for all", per)
	}
}

// A hundred messages take as few connections as they may.
func testPostfixReuse(t *testing.T, server *postfix) {
	carried := server.counter()
	c := server.config()
	c.PerConnection, c.Connections = 25, 2
	b := newBackend(t, c)
	start := time.Now()
	var wg sync.WaitGroup
	work := make(chan int)
	for range 2 {
		wg.Go(func() {
			for i := range work {
				if err := b.Send(t.Context(), backends.Parcel{ID: fmt.Sprint(i), To: "alice@example.test",
					Notices: backendtest.Samples()[:1]}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 100 {
		work <- i
	}
	close(work)
	wg.Wait()
	t.Logf("100 messages in %v", time.Since(start))
	server.delivered(t, 100)
	b.pool.close()
	if per := carried(t, 100); len(per) > 5 || slices.Max(per) > 25 {
		t.Errorf("connections carried %v messages, want at most 5 of 25", per)
	}
}
