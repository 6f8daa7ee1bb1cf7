package email

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// need skips the test where a program is missing, and fails it where all must be there (make check).
func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil {
			continue
		}
		missing(t, p)
	}
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("NOTIFYD_REQUIRE") == "1" {
		t.Fatalf("needs %s, and NOTIFYD_REQUIRE=1 says that it is there", what)
	}
	t.Skipf("needs %s", what)
}

// child is a server that the test started, and what it has written.
type child struct {
	port int
	dead chan struct{}
	mu   sync.Mutex
	log  strings.Builder
}

func (c *child) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

// startChild runs cmd until the test ends and waits for its greeting on port.
func startChild(t testing.TB, port int, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{port: port, dead: make(chan struct{})}
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			c.mu.Lock()
			c.log.WriteString(line)
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() {
		cmd.Wait()
		in.Close()
		close(c.dead)
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-c.dead:
		case <-time.After(10 * time.Second):
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-c.dead
		}
		<-read
		if t.Failed() {
			output := c.output()
			t.Logf("%s said at the end:\n%s", cmd.Path, output[max(0, len(output)-4000):])
		}
	})
	eventually(t, "the server greets", func() bool { return c.greets(t) })
	return c
}

func (c *child) greets(t testing.TB) bool {
	t.Helper()
	select {
	case <-c.dead:
		t.Fatalf("the server has ended:\n%s", c.output())
	default:
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(loopback, strconv.Itoa(c.port)), time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(conn).ReadString('\n')
	fmt.Fprint(conn, "QUIT\r\n")
	return err == nil && strings.HasPrefix(line, "220")
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
