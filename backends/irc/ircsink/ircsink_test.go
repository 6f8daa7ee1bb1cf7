package ircsink_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/backends/irc/ircsink"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestMain looks for goroutines that outlive every test.
func TestMain(m *testing.M) {
	code := m.Run()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if code == 0 && strings.Contains(string(stacks), "ircsink.(*") {
		fmt.Printf("a goroutine was left behind:\n%s\n", stacks)
		code = 1
	}
	os.Exit(code)
}

// A person is a plain client.
type person struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Scanner
}

func connect(t testing.TB, s *ircsink.Server, lines ...string) *person {
	t.Helper()
	conn, err := s.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, conn: conn, in: bufio.NewScanner(conn)}
	p.say(lines...)
	return p
}

func join(t testing.TB, s *ircsink.Server, nick string) *person {
	t.Helper()
	p := connect(t, s, "NICK "+nick, "USER "+nick+" 0 * :"+nick)
	p.await(" 422 ")
	return p
}

func (p *person) say(lines ...string) {
	go fmt.Fprint(p.conn, strings.Join(lines, "\r\n")+"\r\n") // a pipe has no room: the server may be writing too
}

// await gives the next line with that part.
func (p *person) await(part string) string {
	p.t.Helper()
	for p.in.Scan() {
		if strings.Contains(p.in.Text(), part) {
			return p.in.Text()
		}
	}
	p.t.Fatalf("the connection ended before %q", part)
	return ""
}

// ask says a line and gives the next that has a part.
func (p *person) ask(line, part string) string {
	p.t.Helper()
	p.say(line)
	return p.await(part)
}

func open(t *testing.T, o ircsink.Options) *ircsink.Server {
	s := ircsink.New(o)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestTalk(t *testing.T) {
	s := open(t, ircsink.Options{Motd: nil})
	alice, bob := join(t, s, "alice"), join(t, s, "Bob")
	for _, step := range []struct{ say, want string }{
		{"PRIVMSG bob :hello", ""},
		{"PRIVMSG carol :hello", ":irc.sink.invalid 401 alice carol :No such nick/channel"},
		{"PRIVMSG", "411"}, {"PRIVMSG bob", "412"}, {"JOIN #c", "366 alice #c"}, {"TOPIC #c :of the day", "TOPIC #c :of the day"},
		{"LIST", "322 alice #c 1 :of the day"}, {"WHO bob", "352 alice * ~Bob sink.invalid irc.sink.invalid Bob H :0 Bob"},
		{"WHOIS bob", "311 alice Bob ~Bob sink.invalid * :Bob"}, {"ISON bob carol alice", "303 alice :Bob alice"},
		{"USERHOST bob", "302 alice :Bob=+~Bob@sink.invalid"}, {"MODE alice +B", "MODE alice :+B"}, {"MODE alice", "221 alice +B"},
		{"MODE bob +B", "502"}, {"MODE #c", "324 alice #c +nt"}, {"NAMES #c", "353 alice = #c :@alice"},
		{"PRIVMSG #d :x", "403"}, {"FOO", "421 alice FOO"}, {"WHOIS", "461"}, {"PING :x y", "PONG irc.sink.invalid :x y"},
		{"VERSION", "351"}, {"AWAY :lunch", "306"}, {"NICK bob", "433"}, {"NICK 1x", "432"}, {"NICK alicia", "NICK :alicia"},
	} {
		if alice.say(step.say); step.want != "" {
			alice.await(step.want)
		}
	}
	if got := bob.await("PRIVMSG"); got != ":alice!~alice@sink.invalid PRIVMSG Bob :hello" {
		t.Errorf("bob got %q", got)
	}
	bob.ask("PRIVMSG alicia :there?", "301 Bob alicia :lunch")
	bob.ask("JOIN #c", "353 Bob = #c :Bob @alicia")
	alice.ask("PRIVMSG #c :all", "JOIN #c")
	if got := bob.await("PRIVMSG"); !strings.HasSuffix(got, "PRIVMSG #c :all") {
		t.Errorf("bob got %q", got)
	}
	alice.ask("QUIT :bye", "ERROR :Closing Link")
	bob.await(":alicia!~alice@sink.invalid QUIT :Quit: bye")
	if got := s.Messages(); len(got) != 3 || got[2].To != "#c" {
		t.Errorf("Messages() = %+v", got)
	}
}

func TestCapabilities(t *testing.T) {
	s := open(t, ircsink.Options{Accounts: []ircsink.Account{{Name: "alice", Password: "pw"}}})
	c := connect(t, s, "CAP LS 302", "NICK alice", "USER a 0 * :a")
	if got := c.await("CAP * LS"); !strings.Contains(got, "sasl=EXTERNAL,PLAIN,SCRAM-SHA-256") {
		t.Errorf("offers %q", got)
	}
	c.ask("CAP REQ :nothing", "CAP alice NAK")
	c.ask("CAP REQ :sasl labeled-response echo-message batch message-tags", "CAP alice ACK")
	c.ask("AUTHENTICATE PLAIN", "AUTHENTICATE +")
	c.ask("AUTHENTICATE "+base64.StdEncoding.EncodeToString([]byte("\x00alice\x00no")), "904 alice")
	c.ask("AUTHENTICATE PLAIN", "AUTHENTICATE +")
	c.ask("AUTHENTICATE "+base64.StdEncoding.EncodeToString([]byte("\x00alice\x00pw")), "900 alice alice alice")
	c.await("903")
	c.ask("CAP END", "422")
	for _, step := range []struct{ say, want string }{
		{"@label=1 PRIVMSG nobody :x", "@label=1 :irc.sink.invalid 401 alice nobody"},
		{"@label=2 PONG x", "@label=2 :irc.sink.invalid ACK"},
		{"@label=3 PRIVMSG alice :me", "@label=3 :alice!~a@sink.invalid PRIVMSG alice :me"},
		{"@label=4 WHOIS alice", "@label=4 :irc.sink.invalid BATCH +answer labeled-response"},
	} {
		c.ask(step.say, step.want)
	}
	c.await("330 alice alice alice :is logged in as")
	c.await("BATCH -answer")
	old := connect(t, open(t, ircsink.Options{Caps: []string{}}), "CAP LS 302", "NICK bob", "USER b 0 * :b")
	old.await("421 * CAP")
	old.await("422")
}

func TestMonitorAndSplits(t *testing.T) {
	s := open(t, ircsink.Options{Features: []string{"MONITOR=2", "-BOT", "SILENCE=15"}})
	s.Add(ircsink.User{Nick: "bob", Account: "bobby"})
	c := connect(t, s, "NICK alice", "USER a 0 * :a")
	got := c.await(" 005 ") + c.await(" 005 ")
	if !strings.Contains(got, "MONITOR=2 SILENCE=15") || strings.Contains(got, "BOT") {
		t.Errorf("features %q", got)
	}
	c.ask("MONITOR + bob,carol,dave", "730 alice :bob!~bob@sink.invalid")
	c.await("731 alice :carol")
	c.await("734 alice 2 dave :Monitor list is full.")
	heal := s.Split("bob")
	c.await("731 alice :bob")
	heal()
	c.await("730 alice :bob!")
	s.Rename("bob", "carol")
	c.await("731 alice :bob")
	c.await("730 alice :carol!~bob@sink.invalid")
	s.Remove("carol")
	c.await("731 alice :carol")
}

// TestTargets has the limits of Solanum, on a clock of its own.
func TestTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ircsink.New(ircsink.Options{Idle: time.Hour,
			Targets: ircsink.Targets{Free: 2, Every: time.Minute}})
		defer s.Close()
		s.Add(ircsink.User{Nick: "a"}, ircsink.User{Nick: "b"}, ircsink.User{Nick: "c"}, ircsink.User{Nick: "d"})
		c := join(t, s, "bot")
		talk := func(to string, ok bool) {
			t.Helper()
			before := s.Refusals()
			c.ask("PRIVMSG "+to+" :x\r\nPING :"+to, "PONG irc.sink.invalid :"+to)
			if taken := s.Refusals() == before; taken != ok {
				t.Errorf("to %s taken: %v", to, taken)
			}
		}
		talk("a", true)
		talk("b", true)
		talk("c", false)
		talk("a", true)
		time.Sleep(90 * time.Second)
		talk("c", true)
		talk("b", false) // it is among the last two no more
		c.conn.Close()
		synctest.Wait()
		c = join(t, s, "bot") // a new connection does not help
		talk("d", false)
		s.Say("d", "bot", "speak to me")
		talk("d", true)
		time.Sleep(10 * time.Minute)
		talk("a", true)
		talk("b", true)
		talk("c", false)
	})
}

func TestScript(t *testing.T) {
	s := open(t, ircsink.Options{Script: func(e ircsink.Event) ircsink.Reply {
		switch {
		case e.Command == "PRIVMSG" && e.Number == 1:
			return ircsink.Reply{Lines: []string{"716 {me} {to} :is in +g mode"}, Skip: true}
		case e.Command == "PRIVMSG" && e.Number == 2:
			return ircsink.Reply{Late: []string{"404 {me} {to} :Cannot send"}, After: time.Millisecond}
		case e.Command == "ISON":
			return ircsink.Reply{Lines: []string{"ERROR :Closing Link: (Excess Flood)"}, Drop: true}
		}
		return ircsink.Reply{}
	}})
	s.Add(ircsink.User{Nick: "bob"})
	c := join(t, s, "alice")
	c.ask("PRIVMSG bob :1", ":irc.sink.invalid 716 alice bob :is in +g mode")
	c.ask("PRIVMSG bob :2", ":irc.sink.invalid 404 alice bob :Cannot send")
	c.ask("ISON bob", "ERROR :Closing Link: (Excess Flood)")
	if got := s.Messages(); len(got) != 1 || got[0].Text != "2" {
		t.Errorf("Messages() = %+v", got)
	}
}

func TestServices(t *testing.T) {
	s := open(t, ircsink.Options{Accounts: []ircsink.Account{{Name: "bot", Password: "pw"}}})
	s.Add(ircsink.User{Nick: "bot"})
	c := join(t, s, "bot_")
	c.ask("PRIVMSG NickServ :REGAIN bot", "NOTICE bot_ :You may not")
	c.ask("PRIVMSG NickServ :IDENTIFY bot wrong", "Invalid password")
	c.ask("PRIVMSG NickServ :IDENTIFY bot pw", "900 bot_ bot_!~bot_@sink.invalid bot")
	c.ask("PRIVMSG NickServ :REGAIN bot", "NICK :bot")
	c.ask("WHOIS NickServ", "313 bot NickServ :is a Network Service")
}

func TestBounds(t *testing.T) {
	s := open(t, ircsink.Options{Clients: 2})
	c := join(t, s, "alice")
	c.ask("PING :"+strings.Repeat("x", 10_000), "ERROR :Closing Link: alice (Input line too long)")
	a, b := join(t, s, "a"), join(t, s, "b")
	if _, err := s.Pipe(); err == nil {
		t.Error("a third connection is taken")
	}
	a.conn.Close()
	b.conn.Close()
}

// TestWithWeechat has a client join that people use: it comes in, joins a channel, asks who is there and speaks.
func TestWithWeechat(t *testing.T) {
	program := exectest.Program(t, "weechat-headless")
	s, err := ircsink.Open(ircsink.Options{Motd: []string{"welcome"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	s.Add(ircsink.User{Nick: "notifyd"})
	command := "/join #demo;/msg notifyd help;/whois notifyd;/list;/who #demo;/away lunch;/mode alice +i;/ison notifyd;" +
		"/msg #demo hello"
	folder := t.TempDir()
	conf := fmt.Sprintf("[server_default]\nanti_flood_prio_high = 0\n[server]\nsink.addresses = \"127.0.0.1/%d\"\n"+
		"sink.nicks = \"alice\"\nsink.autoconnect = on\nsink.command = %q\n",
		s.Addr().Port, command)
	if err := os.WriteFile(filepath.Join(folder, "irc.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	client := exectest.Start(t, exec.Command(program, "--dir", folder))
	got, err := s.Wait(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].From != "alice" || got[0].To != "notifyd" || got[0].Text != "help" || got[1].To != "#demo" {
		t.Errorf("weechat said %+v", got)
	}
	client.Kill()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
