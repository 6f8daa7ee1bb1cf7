package zmq

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// A nameServer is dnsmasq with records of its own.
type nameServer struct {
	t     testing.TB
	port  int
	child *exectest.Child
}

func newNameServer(t testing.TB) *nameServer {
	exectest.Program(t, "/usr/sbin/dnsmasq")
	return &nameServer{t: t, port: exectest.FreePort(t)}
}

func (n *nameServer) addr() string { return fmt.Sprintf("127.0.0.1:%d", n.port) }

// serve starts it, after it has ended the one before, with records such as --srv-host=NAME,TARGET,PORT.
func (n *nameServer) serve(records ...string) {
	n.t.Helper()
	n.end()
	args := []string{
		"--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=", "--pid-file=",
		"--listen-address=127.0.0.1", "--bind-interfaces", fmt.Sprintf("--port=%d", n.port), "--local=/example.org/",
	}
	n.child = exectest.Start(n.t, exec.Command("/usr/sbin/dnsmasq", append(args, records...)...))
	n.child.Listening(n.t, n.addr())
}

func (n *nameServer) end() {
	if n.child != nil {
		n.child.Stop(n.t)
		n.child = nil
	}
}

// askDNS makes the domain example.org, which asks n.
func (n *nameServer) domain(log *exectest.Log) *domain {
	c := Config{SRV: []string{"Example.org."}, SRVServer: n.addr(), SRVCheck: time.Second, Timeout: 500 * time.Millisecond}
	all, err := newDomains(c.withDefaults(), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		n.t.Fatal(err)
	}
	return all[0]
}

const srvName = "--srv-host=_fedmsg._tcp.example.org,"

// TestSRVRecords asks a real name server: all records count, and the last good answer stays.
func TestSRVRecords(t *testing.T) {
	server, log := newNameServer(t), &exectest.Log{}
	d := server.domain(log)
	ask := func(what, want, problem string) {
		t.Helper()
		places, err := d.ask(t.Context())
		d.take(places, err)
		var hosts []string
		for _, p := range d.places() {
			if p.name != "example.org" {
				t.Errorf("%s: name %s", what, p.name)
			}
			hosts = append(hosts, p.addr.String())
		}
		if got := strings.Join(hosts, " "); got != want || !strings.Contains(d.problem(), problem) ||
			(problem == "") != (d.problem() == "") {
			t.Errorf("%s: %q, problem %q; want %q, %q", what, got, d.problem(), want, problem)
		}
	}
	two := "tcp://a.example.org:3000 tcp://b.example.org:9940"
	server.serve("--srv-host=_other._tcp.example.org,x.example.org,1")
	ask("no records yet", "", "there are no such records")
	server.serve(srvName+"b.example.org,9940,10,5", srvName+"a.example.org,3000,0,0")
	ask("two, of any priority", two, "")
	server.serve()
	ask("gone", two, "there are no such records")
	ask("still gone", two, "there are no such records")
	server.serve("--host-record=_fedmsg._tcp.example.org,127.0.0.1")
	ask("a name without such records", two, "there are no such records")
	server.end()
	ask("nobody answers", two, "the name server failed")
	server.serve(srvName + "c.example.org,1,0,0")
	ask("another", "tcp://c.example.org:1", "")
	server.serve("--srv-host=_fedmsg._tcp.example.org")
	ask("none on purpose", "", "")
	if n := strings.Count(log.String(), "there are no such records"); n != 2 {
		t.Errorf("the log says %d times that there are none, want once at first and once later:\n%s", n, log)
	}
	many := make([]string, 150)
	for i := range many {
		many[i] = fmt.Sprintf("%sapp-with-a-long-name-%d.example.org,3000,0,0", srvName, i)
	}
	server.serve(many...)
	places, err := d.ask(t.Context())
	if err != nil || len(places) != 150 {
		t.Errorf("%d of 150, error %v", len(places), err)
	}
}

// TestASilentNameServer takes questions and answers none.
func TestASilentNameServer(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := Config{SRV: []string{"example.org"}, SRVServer: silent.LocalAddr().String(), Timeout: 100 * time.Millisecond}
	all, err := newDomains(c.withDefaults(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	places, err := all[0].ask(context.Background())
	all[0].take(places, err)
	if got := all[0].problem(); !strings.Contains(got, "no name server answered in time") {
		t.Errorf("problem %q after %v", got, time.Since(began))
	}
}

// TestFindsPublishersByDNS receives from what the records name, and from another once they are others. The names of the
// targets are known to that name server alone.
func TestFindsPublishersByDNS(t *testing.T) {
	noLeaks(t)
	server := newNameServer(t)
	pubs := [2]*pyPeer{}
	ports := [2]string{}
	for i := range pubs {
		pubs[i] = startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*", "XPUB_VERBOSE=1")
		_, ports[i], _ = net.SplitHostPort(strings.TrimPrefix(pubs[i].addr, "tcp://"))
	}
	names := []string{"--host-record=a.example.org,127.0.0.1", "--host-record=b.example.org,127.0.0.1"}
	server.serve(append(names, srvName+"a.example.org,"+ports[0]+",0,0")...)
	log := &exectest.Log{}
	c := Config{
		SRV: []string{"example.org"}, SRVServer: server.addr(), SRVCheck: time.Second, Timeout: 2 * time.Second,
		RetryMin: 5 * time.Millisecond, RetryMax: 50 * time.Millisecond,
	}
	s, err := New(c, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	in, ended := bus.NewIntake(bus.IntakeConfig{Batch: 1}), make(chan error, 1)
	go func() { ended <- s.Run(ctx, in) }()
	defer func() { cancel(); <-ended }()
	pubs[0].subscribed("")
	pubs[0].do(`{"send": ["t", "one"]}`)
	if f := receive(t, in); f.Source != "example.org" || string(f.Payload) != "one" {
		t.Errorf("frame %+v", f)
	}
	server.serve(append(names, srvName+"b.example.org,"+ports[1]+",0,0")...)
	pubs[1].subscribed("")
	pubs[1].do(`{"send": ["t", "two"]}`)
	want(t, in, "t", "two")
	eventually(t, "the first went", func() bool { return len(s.Stats().Endpoints) == 1 })
	if e := s.Stats().Endpoints[0]; e.Address != "tcp://b.example.org:"+ports[1] || !e.Connected {
		t.Errorf("stats %+v", e)
	}
	if !bytes.Contains([]byte(log.String()), []byte("endpoint removed")) {
		t.Errorf("log %s", log)
	}
}

func TestBadDomains(t *testing.T) {
	for _, c := range []struct {
		domains []string
		want    string
	}{
		{[]string{""}, `srv: ""; a domain`},
		{[]string{"tcp://example.org:1"}, "a domain such as example.org was expected"},
		{[]string{"_fedmsg._tcp.example.org"}, "a domain such as example.org was expected"},
		{[]string{"example.org", "EXAMPLE.org."}, "srv: example.org is there twice"},
		{slices.Repeat([]string{"x"}, maxDomains+1), "srv: 51 domains; at most 50"},
	} {
		if _, err := New(Config{SRV: c.domains}, quiet()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %s", c.domains, err, c.want)
		}
	}
}
