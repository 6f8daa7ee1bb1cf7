package nodes_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

const ngircdConfiguration = `[Global]
Name = irc.example.org
Info = nodes
Listen = 0.0.0.0
Ports = 6667
ServerUID = irc
ServerGID = irc
AdminInfo1 = test
[Limits]
MaxConnectionsIP = 0
MaxPenaltyTime = 0
MaxNickLength = 20
[Options]
DNS = no
Ident = no
PAM = no
`

// A said is a line of IRC: which message it is about, from which host it came, and when.
type said struct {
	number int
	host   string
	at     time.Time
}

// A chat is ngircd on a host, and the person who is told.
type chat struct {
	*host
	t  testing.TB
	mu sync.Mutex

	lines []said
}

func newChat(t testing.TB, h *host, folder string) *chat {
	t.Helper()
	c := &chat{host: h, t: t}
	file := filepath.Join(folder, "ngircd.conf")
	if err := os.WriteFile(file, []byte(ngircdConfiguration), 0o644); err != nil {
		t.Fatal(err)
	}
	h.start(h.command(exectest.Program(t, "ngircd"), "-n", "-f", file)).Listening(t, h.at(6667))
	conn, err := net.DialTimeout("tcp", h.at(6667), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "NICK %s\r\nUSER %s 0 * :%s\r\n", chatter, chatter, chatter)
	var reading sync.WaitGroup
	reading.Go(func() { c.listen(conn) })
	t.Cleanup(func() { conn.Close(); reading.Wait() })
	return c
}

// listen notes what is said, until the connection ends.
func (c *chat) listen(conn net.Conn) {
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		line := lines.Text()
		if rest, ping := strings.CutPrefix(line, "PING "); ping {
			fmt.Fprintf(conn, "PONG %s\r\n", rest)
			continue
		}
		prefix, _, _ := strings.Cut(line, " ")
		_, from, _ := strings.Cut(prefix, "@")
		c.mu.Lock()
		for _, n := range numbers([]byte(line)) {
			c.lines = append(c.lines, said{n, from, time.Now()})
		}
		c.mu.Unlock()
	}
}

func (c *chat) said() []said {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]said(nil), c.lines...)
}

// speaker is the address of the host that has spoken last.
func (c *chat) speaker() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) == 0 {
		return ""
	}
	return c.lines[len(c.lines)-1].host
}
