package bustest

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// TestHostileIsDecodedOrRefused: Decode makes a message of each frame, or an error of its kind; it makes the same one
// again; and it keeps nothing of what it has seen.
func TestHostileIsDecodedOrRefused(t *testing.T) {
	all := Hostile()
	before, messages := inUse(), 0
	for _, h := range all {
		if got := h.Frame.OutOfBounds(); got != h.OutOfBounds {
			t.Errorf("%s: out of bounds by %q, the list says %q", h.Name, got, h.OutOfBounds)
		}
		if checkDecode(t, h) {
			messages++
		}
	}
	if len(all) < 800 || messages < len(all)*2/3 || messages > len(all)*19/20 {
		t.Errorf("%d of %d frames are messages", messages, len(all))
	}
	if grown := inUse() - before; grown > 4<<20 {
		t.Errorf("%d bytes are left of what was decoded", grown)
	}
	runtime.KeepAlive(all)
}

func checkDecode(t *testing.T, h HostileFrame) (message bool) {
	now := time.Unix(1_790_000_000, 0)
	m, err := bus.Decode(h.Frame, now)
	if err != nil {
		if !errors.Is(err, bus.ErrMalformed) || m != nil || len(err.Error()) > 5*bus.MaxTopic {
			t.Errorf("%s: Decode = %v, %v; want a short ErrMalformed alone", h.Name, m, err)
		}
		return false
	}
	if m.ID == "" || len(m.ID) > bus.MaxID || m.Topic != h.Topic || m.Time.IsZero() {
		t.Errorf("%s: id %.300q, topic %.300q, time %v", h.Name, m.ID, m.Topic, m.Time)
	}
	if len(h.Payload) > 1<<20 {
		return true // twice would take long
	}
	again, err := bus.Decode(h.Frame, now)
	if err != nil || again.ID != m.ID || !again.Time.Equal(m.Time) || again.ContentHash() != m.ContentHash() {
		t.Errorf("%s: decoded again it is another message: %v", h.Name, err)
	}
	return true
}

// inUse is the memory in use after a collection.
func inUse() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
