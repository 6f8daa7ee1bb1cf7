package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestMain lets scripts run this test binary as the command notifyd, and stops the PostgreSQL that tests started.
func TestMain(m *testing.M) {
	testscript.Main(withPostgres{m}, map[string]func(){
		"notifyd": main, "fedmsg-logger": main, "fedmsg-announce": main, "fedmsg-tail": main,
		"datanommer-stats": main, "datanommer-latest": main, "datanommer-dump": main,
	})
}

type withPostgres struct{ m *testing.M }

// Run runs the tests.
func (w withPostgres) Run() int { return migratest.Main(w.m) }

// TestScripts runs every story in testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PORT", strconv.Itoa(exectest.FreePort(t)))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"owe": owe, "until": until, "pki": makePKI,
			"exits": exits},
	})
}

// exits is the script command "exits STATUS PROGRAM [ARG...]": the program must end with that status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARG...]")
	}
	got := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s ended with %d, want %d", args[1], got, want)
	}
}

// untilLimit is the longest time that until waits: only a broken program needs it.
const untilLimit = 2 * time.Minute

// until is the script command "until REGEXP PROGRAM [ARG...]". It runs the program until its output matches, and then
// presses Ctrl-C, as a person at a terminal does. The program must end with status 0. Its output becomes stdout and
// stderr of the script.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP PROGRAM [ARG...]")
	}
	seen := &exectest.Log{}
	ctx, cancel := context.WithTimeout(context.Background(), untilLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, scriptProgram(ts, args[1]), args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(seen, ts.Stdout()), ts.Stderr()
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	pattern := regexp.MustCompile("(?m)" + args[0])
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for interrupted := false; ; {
		select {
		case err := <-ended:
			if err != nil || !interrupted {
				ts.Fatalf("%s ended: %v; it printed %s", args[1], err, seen)
			}
			return
		case <-tick.C:
			if !interrupted && pattern.MatchString(seen.String()) {
				interrupted = true
				ts.Check(cmd.Process.Signal(os.Interrupt))
			}
		}
	}
}

// scriptProgram finds a program by the PATH of the script.
func scriptProgram(ts *testscript.TestScript, name string) string {
	for _, folder := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path
		}
	}
	ts.Fatalf("there is no program %s", name)
	return ""
}
