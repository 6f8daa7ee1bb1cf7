package irc_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/internal/exectest"
)

// floods are what a server can say without end: the nth line of each, and a word of the reason why it is cut off.
var floods = []struct {
	name, reason string
	line         func(n int) string
}{
	{"005", "005", numbered(":s 005 notifyd KEY%d=value%d A%d :are supported")},
	{"005 without a source, in small letters", "005", numbered("  005 notifyd KEY%d=value%d A%d :are supported")},
	{"005 in a labelled answer", "005", numbered("@label=%d;a%d=b%d :s 005 notifyd KEY :are supported")},
	{"CAP LS 302", "CAP", numbered(":s CAP * LS * :example.org/cap%d=x%d vendor/cap%d")},
	{"CAP NEW", "CAP", numbered(":s CAP notifyd NEW :example.org/cap%d=x%d vendor/cap%d")},
	{"AUTHENTICATE", "AUTHENTICATE", func(int) string { return "AUTHENTICATE +" }},
	{"353", "lines", numbered(":s 353 notifyd = #a%d :nick%d nick%d")},
	{"a numeric that nobody knows", "lines", numbered(":s 999 notifyd %d %d %d")},
	{"a command for each line", "lines", numbered(":s X%dY%dZ%d notifyd")},
	{"NICK", "lines", numbered(":notifyd!u%d@h%d NICK notifyd%d\r\n:notifyd NICK notifyd")},
	{"NOTICE", "lines", numbered(":n%d!u%d@h%d NOTICE notifyd :help")},
	{"PRIVMSG", "lines", numbered(":n%d!u%d@h%d PRIVMSG notifyd :help")},
	{"PING", "lines", numbered("PING %d-%d-%d")},
	{"nothing", "lines", func(int) string { return "" }},
	{"NUL", "lines", func(int) string { return "\x00" }},
	{"long tags", "bytes", func(n int) string {
		return fmt.Sprintf("@a%d=%s :s NOTICE notifyd :x", n, strings.Repeat("x", 8000))
	}},
	{"batches", "batches", numbered(":s BATCH +a%d type%d %d")},
	{"batches closed by another name", "batches", numbered(":s BATCH +a%d type%d %d\r\n:s BATCH -other")},
	{"lines of one batch", "batch", func(n int) string {
		if n == 0 {
			return ":s BATCH +a type"
		}
		return fmt.Sprintf("@batch=a :s 999 notifyd %d\r\n:s BATCH -other", n)
	}},
}

func numbered(format string) func(int) string {
	return func(n int) string { return fmt.Sprintf(format, n, n, n) }
}

// moments are when a flood begins: the line of ours that it answers, and what the server says first. A server that has
// said 001 and not the end of its MOTD (376) has us half registered.
var moments = []struct{ name, at, first string }{
	{"before registration", "CAP LS", ":s CAP * LS * :sasl\r\n"},
	{"half registered", "USER", ":s 001 notifyd :Welcome\r\n"},
	{"registered", "WHOIS", ""},
	{"in use", "PONG", ""},
}

// TestEndlessServers has servers that say something without end, as fast as they can. Each loses the connection, the
// log says why, the next attempt comes, and meanwhile memory stays flat. It is not parallel, as it measures the heap.
func TestEndlessServers(t *testing.T) {
	for _, moment := range moments {
		for _, flood := range floods {
			t.Run(moment.name+"/"+flood.name, func(t *testing.T) {
				reason := flood.reason
				if moment.name == "before registration" && strings.HasPrefix(reason, "batch") {
					reason = "" // lines or batches, whichever is noticed first
				}
				testEndless(t, moment.at, moment.first, flood.line, reason)
			})
		}
	}
}

func testEndless(t *testing.T, at, first string, line func(int) string, reason string) {
	const most = 32 << 20 // bytes that a server says
	heap := newHeap()
	log := &downs{}
	port := listen(t, func(c net.Conn, said string) bool {
		switch {
		case strings.HasPrefix(said, "CAP LS") && at != "CAP LS":
			io.WriteString(c, ":s CAP * LS :sasl batch message-tags\r\n")
			return true
		case strings.HasPrefix(said, "PING") && at == "PONG":
			polite(c, said)
			io.WriteString(c, "PING x\r\n")
			return true
		case !strings.HasPrefix(said, at):
			return false
		}
		io.WriteString(c, first)
		block := strings.Builder{}
		for n, sent := 0, 0; ; n++ {
			block.WriteString(line(n) + "\r\n")
			if block.Len() < 64<<10 {
				continue
			}
			if _, err := io.WriteString(c, block.String()); err != nil {
				return true
			}
			if sent += block.Len(); sent > most {
				t.Errorf("the server could say %d bytes", sent)
				c.Close()
				return true
			}
			heap.look()
			block.Reset()
		}
	})
	b, err := irc.New(irc.Config{Networks: []irc.Network{account(port)}}, slog.New(log), rand.Float64)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { b.Run(ctx) })
	exectest.Eventually(t, patience, "two connections that end", func() bool { return len(log.all()) > 1 })
	cancel()
	running.Wait()
	for _, down := range log.all()[:2] {
		if !strings.Contains(down, "the server") || !strings.Contains(down, reason) {
			t.Errorf("the reason is %q, want one with %q", down, reason)
		}
	}
	if grown := heap.grown(); grown > 16<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

// heap is how much memory is in use, after a collection.
type heap struct {
	mu          sync.Mutex
	first, most uint64
}

func newHeap() *heap {
	h := &heap{}
	h.look()
	h.first = h.most
	return h
}

func (h *heap) look() {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.most = max(h.most, stats.HeapAlloc)
}

func (h *heap) grown() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.most - h.first
}

// downs is a log that keeps why connections went down.
type downs struct {
	slog.Handler
	mu      sync.Mutex
	reasons []string
}

func (d *downs) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (d *downs) WithAttrs([]slog.Attr) slog.Handler           { return d }

func (d *downs) Handle(_ context.Context, r slog.Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" && len(d.reasons) < 1000 {
			d.reasons = append(d.reasons, a.Value.String())
		}
		return true
	})
	return nil
}

func (d *downs) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.reasons...)
}
