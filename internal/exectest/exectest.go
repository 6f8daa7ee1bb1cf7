// Package exectest runs real programs as children of a test: mail servers, IRC servers, the program that is tested.
//
// A test names the program that it needs and is skipped where the machine lacks it:
//
//	python := exectest.Python(t, "zmq")
//	c := exectest.Start(t, exec.Command(python, "publisher.py", address))
//	c.Listening(t, address)
//
// A child dies with its test, even where the test's process is killed. What it printed is kept, bounded, and shown when
// the test fails. Nothing here sleeps for a fixed time: Eventually polls for what the test waits for, up to a limit
// that a program reaches only when it is broken.
package exectest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Program gives the path of a program that a test needs, by a name in PATH or a path. Where it is missing the test is
// skipped; with NOTIFYD_REQUIRE=1 in the environment it fails.
func Program(t testing.TB, name string) string {
	t.Helper()
	found, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, err)
	}
	return found
}

func missing(t testing.TB, what string, why any) {
	t.Helper()
	if os.Getenv("NOTIFYD_REQUIRE") == "1" {
		t.Fatalf("needs %s: %v", what, why)
	}
	t.Skipf("needs %s", what)
}

// Python is Program for the system's Python with a module: those of Debian's packages are not in other Pythons.
func Python(t testing.TB, module string) string {
	t.Helper()
	python := Program(t, "/usr/bin/python3")
	if out, err := exec.Command(python, "-c", "import "+module).CombinedOutput(); err != nil {
		missing(t, "Python's "+module, string(out))
	}
	return python
}

// maxOutput bounds what is kept of a child's output; what came before it is forgotten then.
const maxOutput = 1 << 22

// A Child is a program that a test has started. It is safe for concurrent use.
type Child struct {
	cmd    *exec.Cmd
	done   chan struct{}
	output Log
}

// Start starts a program and kills it when the test is over.
func Start(t testing.TB, cmd *exec.Cmd) *Child {
	t.Helper()
	c := &Child{cmd: cmd, done: make(chan struct{}), output: Log{most: maxOutput}}
	cmd.Stdout, cmd.Stderr = &c.output, &c.output
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
		c.Kill()
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(cmd.Path), c.Text())
		}
	})
	return c
}

// Text gives what the child printed.
func (c *Child) Text() string { return c.output.String() }

// Kill ends the child as a power cut would.
func (c *Child) Kill() {
	c.cmd.Process.Signal(syscall.SIGKILL)
	<-c.done
}

// Stop asks the child to end (SIGTERM) and gives its exit status.
func (c *Child) Stop(t testing.TB) int {
	t.Helper()
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(30 * time.Second):
		t.Errorf("%s did not end within 30 s of SIGTERM", filepath.Base(c.cmd.Path))
		c.Kill()
	}
	return c.cmd.ProcessState.ExitCode()
}

// Signal sends the child a signal, such as SIGSTOP: a server that is there and answers nothing.
func (c *Child) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Errorf("send %s to %s: %v", s, filepath.Base(c.cmd.Path), err)
	}
}

// Alive reports whether the child still runs.
func (c *Child) Alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// Eventually polls until ok holds; it fails the test after limit. The error says what it has waited for.
func Eventually(t testing.TB, limit time.Duration, what string, ok func() bool) {
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

// Listening waits until the child accepts connections at address.
func (c *Child) Listening(t testing.TB, address string) {
	t.Helper()
	Eventually(t, 20*time.Second, filepath.Base(c.cmd.Path)+" listens at "+address, func() bool {
		if !c.Alive() {
			t.Fatalf("%s ended: %s", filepath.Base(c.cmd.Path), c.Text())
		}
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// FreePort gives a TCP port of 127.0.0.1 that nobody else is given before the test is over. A socket that is bound to
// it and never listens keeps it: dials are refused until the test's own server listens there, which it may do again and
// again, for servers set SO_REUSEADDR.
func FreePort(t testing.TB) int {
	t.Helper()
	held, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(held) })
	if err := syscall.SetsockoptInt(held, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(held, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(held)
	if err != nil {
		t.Fatal(err)
	}
	return at.(*syscall.SockaddrInet4).Port
}
