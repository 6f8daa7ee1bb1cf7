package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// TestReplayServerGivesTheHistory asks by libzmq's REQ socket for what was stored, as fedmsg's client does.
func TestReplayServerGivesTheHistory(t *testing.T) {
	python := exectest.Python(t, "zmq")
	h := newHoled(t, func(h *holed) string {
		return fmt.Sprintf(", replay: {listen: 'tcp://127.0.0.1:%d'}", h.replay)
	}, nothing)
	publisher := startPublisher(t, python, h.busPort)
	h.start()
	exectest.Eventually(t, 20*time.Second, "three messages are stored", func() bool {
		for i := 1; i <= 3; i++ {
			publisher.say(t, "org.example.test.git.receive", fmt.Sprintf("2026-replay-%d", i), i, map[string]any{"n": i})
		}
		return h.stored() == 3
	})
	const program = `
import sys, zmq
s = zmq.Context().socket(zmq.REQ)
s.connect(sys.argv[1])
for query in sys.argv[2:]:
    s.send(query.encode())
    print("|".join(f.decode() for f in s.recv_multipart()))
`
	out, err := exec.Command(python, "-c", program, fmt.Sprintf("tcp://127.0.0.1:%d", h.replay),
		`{"msg_id": "2026-replay-2"}`, `{"seq_id_range": [2, 99]}`, `{"msg_id": "none"}`).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var one struct {
		MsgID string `json:"msg_id"`
		SeqID int64  `json:"seq_id"`
		I     int64
	}
	if err := json.Unmarshal([]byte(lines[0]), &one); err != nil || one.MsgID != "2026-replay-2" || one.SeqID == 0 ||
		one.I != 2 {
		t.Errorf("by id: %s, %v", lines[0], err)
	}
	if n := strings.Count(lines[1], "2026-replay-"); n != 2 {
		t.Errorf("by range: %d messages, want 2: %s", n, lines[1])
	}
	if lines[2] != "error: 'There was no match for the given query'" {
		t.Errorf("by an unknown id: %s", lines[2])
	}
}
