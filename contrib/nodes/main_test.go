// Package nodes_test plays faults on several nodes: three of `notifyd serve` with PostgreSQL and its replica, RabbitMQ,
// a mail server and an IRC server, each on a host of its own. `make nodes` plays every row of the table in
// doc/scaling.md, `make nodes ROW=kill` one of them; `make check` plays the shortest.
//
// A host is a network namespace with an address on a bridge. The test binary starts itself again in namespaces of
// processes, mounts and networks: nothing is seen outside, and all of it goes when the test ends, however it ends.
package nodes_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

var (
	chosen = flag.String("row", "", "the row to play; all: every one; empty: the shortest")
	rounds = flag.Int("rounds", 4, "how often the row scale measures one, two and three nodes")
	crowd  = flag.Int("crowd", 3, "to how many people the row scale mails each message")
	share  = flag.Int("share", 10, "percent of one processor that each node has in the row scale")
	logs   = flag.String("logs", "", "a folder for what each program printed")
)

// What the test binary tells itself when it starts itself again.
const (
	insideKey = "NOTIFYD_NODES_INSIDE" // any value: it is in its own namespaces
	binaryKey = "NOTIFYD_NODES_BINARY" // the program that is tested
)

// alone says why there is no network of our own; "" where there is one.
var alone string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(insideKey) != "" {
		if err := ownNetwork(); err != nil {
			alone = err.Error()
		}
		return m.Run()
	}
	if os.Getuid() != 0 {
		alone = "only root may start servers on hosts of their own"
		return m.Run()
	}
	folder, err := os.MkdirTemp("", "notifyd-nodes-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	binary := os.Getenv(binaryKey) // built before, such as an older one to compare with
	if binary == "" {
		binary = filepath.Join(folder, "notifyd")
		if err := build(binary); err != nil { // here, where there is a network for what go has to fetch
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	status, err := again(binary)
	if err != nil {
		alone = err.Error()
		return m.Run()
	}
	return status
}

func build(path string) error {
	cmd := exec.Command("go", "build", "-o", path, "../../cmd/notifyd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build notifyd: %w\n%s", err, out)
	}
	return nil
}

// again runs this test binary in namespaces of its own and gives its exit status. The error says why it may not.
func again(binary string) (int, error) {
	runtime.LockOSThread() // the child dies with the thread that has started it
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideKey+"=1", binaryKey+"="+binary)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	} else if err != nil {
		return 0, err
	}
	return 0, nil
}

// ownNetwork makes the new namespaces fit to be used: a private /proc and /run/netns, and a bridge with our address.
func ownNetwork() error {
	for _, m := range []struct {
		target, kind string
		flags        uintptr
	}{{"/", "", syscall.MS_REC | syscall.MS_PRIVATE}, {"/proc", "proc", 0}, {"/run/netns", "tmpfs", 0}} {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount("none", m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return firstError(ip("link", "set", "lo", "up"), ip("link", "add", "bridge", "type", "bridge"),
		ip("address", "add", harness+"/24", "dev", "bridge"), ip("link", "set", "bridge", "up"))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// ip runs iproute2's ip.
func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %s", args, err, out)
	}
	return nil
}
