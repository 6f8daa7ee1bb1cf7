package irc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/internal/exectest"
)

func TestPresence(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startNgircd(t, port)
	b, _ := open(t, irc.Config{Networks: []irc.Network{network(port)}})
	err := b.Send(short(t), parcel("alice", notice("one")))
	if err == nil || errors.Is(err, backends.ErrRefused) || errors.Is(err, backends.ErrUnavailable) ||
		!strings.Contains(err.Error(), "not online") {
		t.Errorf("Send to an offline nick = %v, want an error worth a retry", err)
	}
	alice := join(t, "127.0.0.1:"+port, "Alice", "AWAY :gone fishing")
	if err := b.Send(short(t), parcel("alice", notice("two"))); err != nil {
		t.Errorf("Send to a nick that is away = %v", err)
	}
	if got, want := alice.heard(t), "[copr] two https://example.org/1 (my builds)"; got != want {
		t.Errorf("alice heard %q, want %q", got, want)
	}
	for _, to := range []string{"#ops", "alice,bob", "notifyd", "alice bob"} {
		if err := b.Send(short(t), parcel(to, notice("three"))); !errors.Is(err, backends.ErrRefused) {
			t.Errorf("Send(%q) = %v, want ErrRefused", to, err)
		}
	}
	if err := b.Send(short(t), parcel("alice@elsewhere", notice("four"))); err == nil ||
		errors.Is(err, backends.ErrRefused) {
		t.Errorf("Send to a network that is not configured now = %v, want an error that is worth a retry", err)
	}
	if s := b.Stats()[0]; !s.Connected || s.Nick != "notifyd" || s.Sent != 1 || s.Failed != 1 || s.Reconnects != 0 {
		t.Errorf("Stats() = %+v", s)
	}
}

func TestLinesFillTheirRoomAndArriveWhole(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startNgircd(t, port)
	alice := join(t, "127.0.0.1:"+port, "alice")
	b, _ := open(t, irc.Config{NoticeLines: 10, Networks: []irc.Network{fast(network(port))}})
	n := notice("")
	n.App, n.Link, n.Text = "", "", strings.Repeat("ü€😀", 200) // no spaces: every cut is inside the word
	n.Why[0].Filter = "f"
	if err := b.Send(short(t), parcel("alice", n)); err != nil {
		t.Fatal(err)
	}
	var whole string
	longest := 0
	for !strings.HasSuffix(whole, "(f)") {
		line := alice.await(t, func(l string) bool { return strings.Contains(l, " PRIVMSG alice ") })
		longest = max(longest, len(line)+2)
		whole += strings.SplitN(line, " :", 2)[1]
	}
	if strings.ReplaceAll(whole, " ", "") != n.Text+"(f)" {
		t.Errorf("arrived %q", whole)
	}
	if longest > 510 || longest < 500 {
		t.Errorf("the longest line has %d bytes, want nearly 510", longest)
	}
}

// TestNickInUse begins while somebody else has the nick and gets it back when that one leaves.
func TestNickInUse(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startNgircd(t, port)
	thief := join(t, "127.0.0.1:"+port, "notifyd")
	alice := join(t, "127.0.0.1:"+port, "alice")
	c := network(port)
	c.ConnectTimeout, c.KeepAlive = 15*time.Second, 15*time.Second
	b, _ := open(t, irc.Config{Networks: []irc.Network{c}})
	if err := b.Send(short(t), parcel("alice", notice("one"))); err != nil {
		t.Fatal(err)
	}
	alice.heard(t)
	if nick := b.Stats()[0].Nick; nick == "notifyd" || !strings.HasPrefix(nick, "notifyd") {
		t.Errorf("nick = %q, want another one like notifyd", nick)
	}
	thief.quit()
	exectest.Eventually(t, patience, "the nick again", func() bool { return b.Stats()[0].Nick == "notifyd" })
	if err := b.Send(short(t), parcel("alice", notice("two"))); err != nil {
		t.Fatal(err)
	}
	if line := alice.await(t, func(l string) bool { return strings.Contains(l, "two") }); !strings.HasPrefix(line,
		":notifyd!") {
		t.Errorf("alice got %q", line)
	}
}

func TestNickTooLongForTheServer(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startNgircdWith(t, port, 9)
	for _, nick := range []string{"notifyd-of-example", "notifyd-of-another"} { // the same nine characters
		c := network(port)
		c.Nick = nick
		b, _ := open(t, irc.Config{Networks: []irc.Network{c}})
		connected(t, b, 0)
		if got := b.Stats()[0].Nick; len(got) > 9 || !strings.HasPrefix(got, "notifyd") {
			t.Errorf("nick = %q", got)
		}
	}
}

// TestServerKilledInTheMiddle sends as the outbox does, four workers that retry, while the server is killed and started
// again. Everything arrives, the two lines of a notice stay together, and only what was in flight comes twice. One line
// may be missing: the killed server had answered for it, and died before it passed it on. Nobody can tell.
func TestServerKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	const notices, workers = 50, 4
	port := freePort(t)
	server, box := startNgircd(t, port), &inbox{}
	before := box.watch(t, "127.0.0.1:"+port, "alice")
	b, _ := open(t, irc.Config{Networks: []irc.Network{fast(network(port))}})
	queue := make(chan string, notices)
	for i := range notices {
		queue <- fmt.Sprintf("number-%02d", i)
	}
	close(queue)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	half := make(chan struct{})
	var reached sync.Once
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for name := range queue {
				if name == "number-25" {
					reached.Do(func() { close(half) })
				}
				n := notice(name + " first " + strings.Repeat("and so on ", 50) + name + " last")
				retry(ctx, t, func() error { return b.Send(ctx, parcel("alice", n)) })
			}
		})
	}
	<-half
	server.Kill()
	<-before // what alice had from the killed server comes before what she gets from the next
	startNgircd(t, port)
	box.watch(t, "127.0.0.1:"+port, "alice")
	all.Wait()
	retry(ctx, t, func() error { return b.Send(ctx, parcel("alice", notice("the end"))) })
	exectest.Eventually(t, patience, "the end", func() bool { return len(box.with("the end")) > 0 })
	lost := 0
	for _, name := range names(notices) {
		heard := box.with(name)
		if missing := 2 - len(heard); missing > 0 {
			t.Logf("of %s came %q", name, heard)
			lost += missing
		}
	}
	if lost > 1 {
		t.Errorf("%d lines are lost; the killed server had one at most in hand", lost)
	}
	checkTogether(t, box.with("number-"), notices, workers)
	if s := b.Stats()[0]; s.Reconnects < 1 {
		t.Errorf("Stats() = %+v, want a reconnection", s)
	}
}

func names(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("number-%02d", i))
	}
	return all
}

// checkTogether wants each first line followed by its own last line, except once where the server went away.
func checkTogether(t *testing.T, lines []string, notices, workers int) {
	t.Helper()
	torn, open := 0, ""
	for _, line := range lines {
		name := line[strings.Index(line, "number-"):][:len("number-00")]
		isFirst := strings.Contains(line, name+" first")
		if isFirst == (open != "") || !isFirst && open != name {
			torn++
			t.Logf("after %q came %q", open, line)
		}
		open = ""
		if isFirst {
			open = name
		}
	}
	if torn > 1 {
		t.Errorf("%d notices were torn apart", torn)
	}
	if len(lines) > 2*(notices+workers) {
		t.Errorf("%d lines for %d notices of two", len(lines), notices)
	}
}

// retry calls send until it succeeds, as the outbox does, or ctx ends.
func retry(ctx context.Context, t *testing.T, send func() error) {
	for {
		err := send()
		if err == nil {
			return
		}
		pause := time.NewTimer(50 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			t.Errorf("Send = %v to the end", err)
			return
		}
	}
}

func TestNetworkDown(t *testing.T) {
	t.Parallel()
	port, other := freePort(t), freePort(t)
	dead := network(other)
	dead.Name = "dead"
	b, stop := open(t, irc.Config{Networks: []irc.Network{dead}})
	if err := b.Send(short(t), parcel("alice@dead", notice("one"))); !errors.Is(err, backends.ErrUnavailable) ||
		errors.Is(err, backends.ErrRefused) {
		t.Errorf("Send with the only network down = %v, want ErrUnavailable", err)
	}
	stop()
	startNgircd(t, port)
	b, _ = open(t, irc.Config{Networks: []irc.Network{dead, network(port)}})
	connected(t, b, 1)
	if err := b.Send(short(t), parcel("alice@dead", notice("one"))); !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("Send with one of two networks down = %v, want ErrUnavailable", err)
	}
	if err := b.Send(short(t), parcel("alice", notice("one"))); err == nil || errors.Is(err, backends.ErrRefused) {
		t.Errorf("Send to a nick without a network after a second one was configured = %v, want an error that is worth a retry", err)
	}
	if err := b.Run(context.Background()); err == nil {
		t.Error("a second Run at the same time = nil")
	}
}

// TestQuit wants a farewell, not a broken connection.
func TestQuit(t *testing.T) {
	t.Parallel()
	farewell := make(chan string, 1)
	port := listen(t, func(c net.Conn, line string) bool {
		if strings.HasPrefix(line, "QUIT") {
			farewell <- line
		}
		return false
	})
	b, stop := open(t, irc.Config{Networks: []irc.Network{network(port)}})
	connected(t, b, 0)
	stop()
	select {
	case line := <-farewell:
		if line != "QUIT :notifyd ends" {
			t.Errorf("the server heard %q", line)
		}
	case <-time.After(patience):
		t.Error("the server heard no QUIT")
	}
	if b.Stats()[0].Connected {
		t.Error("still connected")
	}
}

// TestHelp asks notifyd, and then lets a robot answer it.
func TestHelp(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startNgircd(t, port)
	carol := join(t, "127.0.0.1:"+port, "carol")
	b, _ := open(t, irc.Config{Manage: "https://notify.example.org/", Networks: []irc.Network{network(port)}})
	connected(t, b, 0)
	carol.say("NOTICE notifyd :help")
	carol.say("PRIVMSG notifyd :\x01VERSION\x01")
	carol.say("PRIVMSG notifyd :help")
	carol.heard(t)
	if got := carol.heard(t); got != "Add this nick, or change what I send: https://notify.example.org/" {
		t.Errorf("help says %q", got)
	}
	robot := join(t, "127.0.0.1:"+port, "robot")
	for range 30 {
		robot.say("PRIVMSG notifyd :I am a robot too")
	}
	for range 3 {
		robot.heard(t)
	}
	robot.say("PRIVMSG notifyd :and I insist")
	if err := b.Send(short(t), parcel("robot", notice("the end"))); err != nil {
		t.Fatal(err)
	}
	if got := robot.heard(t); !strings.Contains(got, "the end") {
		t.Errorf("the robot got another answer: %q", got)
	}
}

// TestWeechatReads has a person's ordinary client read, and looks at its log.
func TestWeechatReads(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startNgircd(t, port)
	program, dir := exectest.Program(t, "weechat-headless"), tempDir(t)
	start(t, dir, program, "-d", dir, "-r", "/set logger.file.flush_delay 0", "-r",
		"/server add test 127.0.0.1/"+port+" -notls",
		"-r", "/set irc.server.test.nicks alice", "-r", "/connect test")
	b, _ := open(t, irc.Config{Networks: []irc.Network{network(port)}})
	ctx := short(t)
	retry(ctx, t, func() error { return b.Send(ctx, parcel("alice", notice("hello \x0304weechat ü\rQUIT"))) })
	exectest.Eventually(t, patience, "the line in weechat's log", func() bool {
		logs, _ := filepath.Glob(filepath.Join(dir, "logs", "*notifyd*"))
		for _, log := range logs {
			text, _ := os.ReadFile(log)
			if strings.Contains(string(text), "\tnotifyd\t[copr] hello weechat ü QUIT https://example.org/1 (my builds)\n") {
				return true
			}
		}
		return false
	})
}

func TestSendWithoutRunHonoursContext(t *testing.T) {
	t.Parallel()
	_, port, _ := net.SplitHostPort("127.0.0.1:1")
	b, stop := open(t, irc.Config{Networks: []irc.Network{network(port)}})
	stop()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Send(ctx, parcel("alice", notice("one"))); err == nil || errors.Is(err, backends.ErrRefused) {
		t.Errorf("Send() = %v", err)
	}
}
