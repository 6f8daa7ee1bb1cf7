package email

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// faults are the symbols of rspamd that say that a message is not made as it should be.
var faults = regexp.MustCompile(`^(MISSING_|INVALID_|BROKEN_|FORGED_|MULTIPLE_|R_BAD|R_MISSING|R_PARTS_DIFFER|` +
	`MIME_BAD|BAD_|EMPTY_|MIME_BASE64_TEXT$|SUBJ_EXCESS|PRECEDENCE_MISSING|RCPT_ADDR_IN_SUBJ)`)

// TestRspamdFindsNoFault asks a real rspamd about every mail of the gallery: no header is missing or wrong, and the
// score is far below that of spam (15). It has no network here, so what it asks of DNS counts neither way.
func TestRspamdFindsNoFault(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts rspamd: run it without -short, as make check does")
	}
	ask := startRspamd(t)
	b := newBackend(t, Config{Host: "mx.example.org", From: "notifyd@example.org", ListDomain: "notify.example.org",
		FromName: "Example notices", RelationDomain: "noreply.example.org"})
	b.composer.now = time.Now // an old date is suspicious
	for name, p := range gallery() {
		verdict := ask(render(t, b, p))
		score := verdict.Score
		for symbol, s := range verdict.Symbols {
			if strings.HasPrefix(symbol, "HFILTER_") || symbol == "AUTH_NA" { // of the host and its keys, by DNS
				score -= s.Score
			}
			if faults.MatchString(symbol) {
				t.Errorf("%s: rspamd says %s", name, symbol)
			}
		}
		if score >= 3 || len(verdict.Symbols) < 5 {
			t.Errorf("%s: score %.1f, symbols %v", name, score, verdict.Symbols)
		}
	}
}

// A spamVerdict is what rspamd says of a message.
type spamVerdict struct {
	Score   float64
	Symbols map[string]struct{ Score float64 }
}

// startRspamd starts an rspamd with the rules of its package, and returns a function that asks it.
func startRspamd(t *testing.T) func(message []byte) spamVerdict {
	t.Helper()
	program := exectest.Program(t, "rspamd")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	folder := t.TempDir()
	file := filepath.Join(folder, "rspamd.conf")
	config := fmt.Sprintf(`.include "$CONFDIR/common.conf"
options { .include "$CONFDIR/options.inc"
  pidfile = "%[1]s/pid"; rundir = "%[1]s"; tempdir = "%[1]s"; dns { nameserver = ["127.0.0.1:9"]; timeout = 0.05s; } }
logging { type = "file"; filename = "%[1]s/log"; level = "error"; }
worker "normal" { bind_socket = "%[2]s"; count = 1; }
`, folder, address)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"-f", "-c", file}
	if os.Geteuid() == 0 { // it refuses to be root, and then cannot write where only root may
		args = append(args, "-u", "_rspamd", "-g", "_rspamd")
		for dir := folder; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	return func(message []byte) spamVerdict { return askRspamd(t, address, message) }
}

func askRspamd(t *testing.T, address string, message []byte) spamVerdict {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/checkv2",
			bytes.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"IP": "192.0.2.1", "Hostname": "mx.example.org",
			"Helo": "mx.example.org", "From": "notifyd@example.org", "Rcpt": "alice@example.org"} {
			request.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil && strings.Contains(err.Error(), "refused") && time.Now().Before(deadline) {
			<-time.After(100 * time.Millisecond) // it reads its rules
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var v spamVerdict
		if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
}
