package trigger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// execute runs a script of sh, without which no Unix is.
func execute(ctx context.Context, limit time.Duration, script string, batch ...Item) (string, error) {
	c := &Config{Command: []string{"/bin/sh", "-c", script, "sh", "$(touch injected)"}, Limit: limit}
	return c.execute(ctx, batch)
}

func TestTheCommandGetsTheMessages(t *testing.T) {
	evil := `'; touch injected; $(touch injected) ` + "`touch injected`\x00\n"
	out, err := execute(t.Context(), time.Minute, `cat; echo "$NOTIFYD_TOPIC|$NOTIFYD_KIND|$NOTIFYD_ID|$NOTIFYD_ACTOR|`+
		`$NOTIFYD_TIME|$NOTIFYD_TRUST|$NOTIFYD_COUNT|$1"; ls injected`,
		Item{ID: "1", Line: []byte("{\"a\":1}\n")},
		Item{ID: "2", Topic: "org.a", Kind: "k", Actor: evil, Trust: "signed by x", Time: time.Unix(1, 0),
			Line: []byte(`{"a":"'; touch injected"}` + "\n")})
	want := "{\"a\":1}\n" + `{"a":"'; touch injected"}` + "\norg.a|k|2|'; touch injected; $(touch injected) " +
		"`touch injected`??|1970-01-01T00:00:01Z|signed by x|2|$(touch injected)\n"
	if !strings.HasPrefix(out, want) || strings.Contains(out, "\ninjected") || err == nil || err.Error() == "" {
		t.Errorf("printed %s, %v; want %s and that no file was made", out, err, want)
	}
	if _, err := os.Stat("injected"); err == nil {
		t.Error("a message ran a command")
	}
}

func TestTheStatusIsTold(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0": "<nil>", "exit 3": "exit status 3", "kill -9 $$": "signal: killed",
		"exec 0<&-; echo deaf": "<nil>", // it need not read its input
	} {
		_, err := execute(t.Context(), time.Minute, script, Item{Line: make([]byte, 1<<20)})
		if got := "<nil>"; err != nil && err.Error() != want || err == nil && want != got {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
	c := &Config{Command: []string{"/nonexistent"}, Limit: time.Minute}
	if _, err := c.execute(t.Context(), []Item{{}}); err == nil {
		t.Error("no error for a program that is not there")
	}
}

func TestTheOutputIsBounded(t *testing.T) {
	out, err := execute(t.Context(), time.Minute, "head -c 3000000 /dev/zero | tr '\\0' x; echo the end >&2", Item{})
	if err != nil || len(out) > maxOutput+100 || !strings.HasPrefix(out, "[29959") || !strings.HasSuffix(out, "the end") {
		t.Errorf("%v, %d bytes: %.50q", err, len(out), out)
	}
}

// TestTheLimitEndsTheWholeGroup: also a child that ignores SIGTERM, and the child of a child.
func TestTheLimitEndsTheWholeGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	script := `trap '' TERM; sh -c 'trap "" TERM; echo $$ >> ` + file + `; while :; do sleep 1; done' &
		echo $$ >> ` + file + `; echo working; wait; while :; do sleep 1; done`
	out, err := execute(t.Context(), time.Second, script, Item{})
	if err == nil || !strings.Contains(err.Error(), "longer than 1s") || out != "working" {
		t.Errorf("%q, %v", out, err)
	}
	allGone(t, file)
}

func TestTheStopEndsTheWholeGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := execute(ctx, time.Minute, `sh -c 'echo $$ >> `+file+`; sleep 100' & echo $$ >> `+file+`; wait`, Item{})
	if !errors.Is(err, errStopped) {
		t.Error(err)
	}
	allGone(t, file)
}

// allGone waits until no process of a file runs.
func allGone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pids := strings.Fields(string(text))
	if len(pids) < 2 {
		t.Fatalf("pids %q", pids)
	}
	for _, pid := range pids {
		number, _ := strconv.Atoi(pid)
		exectest.Eventually(t, 5*time.Second, "process "+pid+" is gone", func() bool {
			state, err := os.ReadFile("/proc/" + pid + "/stat")
			return err != nil && syscall.Kill(number, 0) != nil || strings.Contains(string(state), ") Z ")
		})
	}
}
