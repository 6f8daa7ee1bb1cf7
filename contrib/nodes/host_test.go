package nodes_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// harness is the address of the test itself: there are the mail server, the publisher and the person who chats.
const harness = "10.99.0.1"

// A host is a machine on the network of the test.
type host struct {
	t          testing.TB
	name, addr string
	children   int
	pid        int // of the program that was started last
}

// newHost plugs a host into the bridge. It is unplugged with the test.
func newHost(t testing.TB, name string, number int) *host {
	t.Helper()
	h := &host{t: t, name: name, addr: fmt.Sprintf("10.99.0.%d", number)}
	port := "port-" + name
	t.Cleanup(func() {
		if err := ip("netns", "delete", name); err != nil {
			t.Error(err)
		}
		ip("link", "delete", port) // in a moment it goes by itself, as its other end has
	})
	err := firstError(ip("netns", "add", name),
		ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name),
		ip("link", "set", port, "master", "bridge", "up"),
		ip("-n", name, "address", "add", h.addr+"/24", "dev", "eth0"),
		ip("-n", name, "link", "set", "lo", "up"), ip("-n", name, "link", "set", "eth0", "up"))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) at(port int) string { return net.JoinHostPort(h.addr, fmt.Sprint(port)) }

// command is a program on this host.
func (h *host) command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.name, name}, args...)...)
}

// start starts a program on this host. What it prints is kept where -logs says so.
func (h *host) start(cmd *exec.Cmd) *exectest.Child {
	h.t.Helper()
	h.children++
	file := filepath.Join(*logs, fmt.Sprintf("%s.%d.log", h.name, h.children))
	c := exectest.Start(h.t, cmd)
	h.pid = cmd.Process.Pid
	h.t.Cleanup(func() {
		if *logs == "" {
			return
		}
		if err := os.WriteFile(file, []byte(c.Text()), 0o600); err != nil {
			h.t.Error(err)
		}
	})
	return c
}

// run runs a program on this host to its end.
func (h *host) run(name string, args ...string) {
	h.t.Helper()
	if out, err := h.command(name, args...).CombinedOutput(); err != nil {
		h.t.Fatalf("%s on %s: %v: %s", name, h.name, err, out)
	}
}

// cutFrom drops all packets between this host and others, in both directions, as a broken switch does: nobody is told.
// Without others it is cut from everybody.
func (h *host) cutFrom(others ...*host) {
	h.t.Helper()
	if len(others) == 0 {
		h.run("iptables", "-A", "INPUT", "!", "-i", "lo", "-j", "DROP")
		h.run("iptables", "-A", "OUTPUT", "!", "-o", "lo", "-j", "DROP")
	}
	for _, o := range others {
		h.run("iptables", "-A", "INPUT", "-s", o.addr, "-j", "DROP")
		h.run("iptables", "-A", "OUTPUT", "-d", o.addr, "-j", "DROP")
	}
}

// heal ends what cutFrom has done.
func (h *host) heal() {
	h.t.Helper()
	h.run("iptables", "-F")
}

// pause waits for d, or until the test is over.
func pause(t testing.TB, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal("the test is over")
	}
}
