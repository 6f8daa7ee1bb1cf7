package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// needProgram skips a test by name when a program is missing; under NOTIFYD_REQUIRE it fails instead.
func needProgram(t *testing.T, path string) string {
	t.Helper()
	found, err := exec.LookPath(path)
	if err == nil {
		return found
	}
	if os.Getenv("NOTIFYD_REQUIRE") == "1" {
		t.Fatalf("needs %s: %v", path, err)
	}
	t.Skipf("needs %s", path)
	return ""
}

// needPython gives Debian's Python when it has the module.
func needPython(t *testing.T, module string) string {
	t.Helper()
	python := needProgram(t, "/usr/bin/python3")
	if out, err := exec.Command(python, "-c", "import "+module).CombinedOutput(); err != nil {
		if os.Getenv("NOTIFYD_REQUIRE") == "1" {
			t.Fatalf("needs Python's %s: %s", module, out)
		}
		t.Skipf("needs Python's %s", module)
	}
	return python
}

// A child is a server that the test started. It dies with the test.
type child struct {
	cmd    *exec.Cmd
	done   chan struct{}
	mu     sync.Mutex
	output bytes.Buffer
}

// startChild starts a program and ends it when the test is over. What it printed is shown when the test fails.
func startChild(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = c, c
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		cmd.Wait()
		close(c.done)
	}()
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(cmd.Path), c.text())
		}
	})
	return c
}

// Write collects what the child prints.
func (c *child) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.output.Len() > 1<<22 {
		c.output.Reset()
	}
	return c.output.Write(p)
}

func (c *child) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.output.String()
}

// kill ends the child as a power cut would.
func (c *child) kill() {
	c.cmd.Process.Signal(syscall.SIGKILL)
	<-c.done
}

// stop asks the child to end and gives its exit status.
func (c *child) stop(t *testing.T) int {
	t.Helper()
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(30 * time.Second):
		t.Errorf("%s did not end within 30 s of SIGTERM", filepath.Base(c.cmd.Path))
		c.kill()
	}
	return c.cmd.ProcessState.ExitCode()
}

func (c *child) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// eventually polls until ok holds; it fails the test after limit. what says what was waited for.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", limit, what)
		case <-tick.C:
		}
	}
}

// listening waits until the child accepts connections at address.
func (c *child) listening(t *testing.T, address string) {
	t.Helper()
	eventually(t, 20*time.Second, filepath.Base(c.cmd.Path)+" listens at "+address, func() bool {
		if !c.alive() {
			t.Fatalf("%s ended: %s", filepath.Base(c.cmd.Path), c.text())
		}
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// freePort gives a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// notifydBinary builds the program once for all tests that run it as a process of its own.
var notifydBinary = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "notifyd-test")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "notifyd")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build notifyd: %w: %s", err, out)
	}
	return path, nil
})

func buildNotifyd(t *testing.T) string {
	t.Helper()
	path, err := notifydBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// writeFile writes a test's file and gives its path.
func writeFile(t testing.TB, folder, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
