package zmq

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/metric"
)

// A listed is a Source that finds its publishers in a file.
type listedSource struct {
	*Source
	t    testing.TB
	file string
	log  *exectest.Log
	in   *bus.Intake
}

// listing runs a Source for the time of the test, with text as its file at first.
func listing(t testing.TB, c Config, text string) *listedSource {
	t.Helper()
	l := &listedSource{t: t, file: filepath.Join(t.TempDir(), "endpoints.yaml"), log: &exectest.Log{}}
	l.write(text)
	c.RetryMin, c.RetryMax = 5*time.Millisecond, 50*time.Millisecond
	c.EndpointsFile, c.EndpointsCheck = l.file, 100*time.Millisecond
	var err error
	if l.Source, err = New(c, slog.New(slog.NewTextHandler(l.log, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.in = bus.NewIntake(bus.IntakeConfig{Batch: 1})
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, l.in) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	return l
}

// write replaces the file, as a program does that takes care.
func (l *listedSource) write(text string) {
	l.t.Helper()
	err := os.WriteFile(l.file+".new", []byte(text), 0o600)
	if err == nil {
		err = os.Rename(l.file+".new", l.file)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// names gives the endpoints, with their addresses.
func (l *listedSource) names() string {
	var all []string
	for _, e := range l.Stats().Endpoints {
		all = append(all, e.Name+"="+e.Address)
	}
	return strings.Join(all, " ")
}

func (l *listedSource) become(want string) {
	l.t.Helper()
	eventually(l.t, want, func() bool { return l.names() == want })
}

// series gives the values of the label source in all metrics.
func (l *listedSource) series() []string {
	l.t.Helper()
	if err := metric.Check(l.Collect); err != nil {
		l.t.Error(err)
	}
	var all []string
	l.Collect(func(d *metric.Desc, _ float64, labels ...string) {
		if len(d.Labels) > 0 && d.Labels[0] == "source" {
			all = append(all, labels[0])
		}
	})
	slices.Sort(all)
	return slices.Compact(all)
}

// TestEndpointsComeAndGo: an endpoint that stays is not disturbed by what happens to others.
func TestEndpointsComeAndGo(t *testing.T) {
	noLeaks(t)
	stays := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*")
	other := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*", "XPUB_VERBOSE=1")
	l := listing(t, Config{}, "stays: "+stays.addr)
	stays.subscribed("")
	for i := range 2 { // it comes, goes, and comes again
		l.write(fmt.Sprintf(`{"endpoints": {"stays": %q, "other": [%q]}}`, stays.addr, other.addr))
		other.subscribed("")
		l.become("other=" + other.addr + " stays=" + stays.addr)
		for _, pub := range []*pyPeer{stays, other} {
			pub.do(`{"send": ["t", "%d"]}`, i)
			f := receive(t, l.in)
			// One that has come may have been here before, and then something may be missing.
			if string(f.Payload) != fmt.Sprint(i) || f.Resumed != (pub == other) {
				t.Errorf("frame %+v", f)
			}
			f.Done()
		}
		l.write("stays: " + stays.addr)
		l.become("stays=" + stays.addr)
		if got := l.series(); !slices.Equal(got, []string{"stays"}) {
			t.Errorf("metrics of %q after it went", got)
		}
	}
	l.write("renamed: " + other.addr + "\nstays: " + stays.addr)
	other.subscribed("")
	other.do(`{"send": ["t", "x"]}`)
	if f := receive(t, l.in); f.Source != "renamed" {
		t.Errorf("frame %+v", f)
	}
	if e := l.Stats().Endpoints[1]; e.Name != "stays" || !e.Connected || e.Connects != 1 || e.Received != 2 {
		t.Errorf("the one that stays was disturbed: %+v", e)
	}
}

// TestAMistakeLeavesTheEndpoints says it, once, in the log and for as long as it lasts in the warnings.
func TestAMistakeLeavesTheEndpoints(t *testing.T) {
	l := listing(t, Config{}, "a: tcp://127.0.0.1:1")
	if w := l.Warnings(); len(w) > 0 {
		t.Errorf("warnings %q", w)
	}
	l.write("a: tcp://127.0.0.1:1\nb: nowhere\n")
	eventually(t, "a warning", func() bool { return len(l.Warnings()) == 1 })
	if w := l.Warnings()[0]; !strings.Contains(w, l.file+`:2:4: b: address "nowhere"`) {
		t.Errorf("warning %q", w)
	}
	l.become("a=tcp://127.0.0.1:1")
	eventually(t, "the log says it", func() bool { // after the warning
		return strings.Contains(l.log.String(), "level=ERROR") && strings.Contains(l.log.String(), "the last good one stays")
	})
	l.write("b: tcp://127.0.0.1:2\n")
	l.become("b=tcp://127.0.0.1:2")
	if w := l.Warnings(); len(w) > 0 {
		t.Errorf("warnings %q", w)
	}
	l.write("")
	l.become("")
}

// TestWhatIsWrittenComesFirst: a name, and an address, of the configuration is never taken from the file.
func TestWhatIsWrittenComesFirst(t *testing.T) {
	c := Config{Endpoints: map[string]Addresses{"hub": {"tcp://127.0.0.1:1"}}}
	l := listing(t, c, "hub: tcp://127.0.0.1:2\nstranger: tcp://127.0.0.1:1\nother: tcp://127.0.0.1:3")
	if got := l.names(); got != "hub=tcp://127.0.0.1:1 other=tcp://127.0.0.1:3" {
		t.Errorf("endpoints %s", got)
	}
	for _, want := range []string{"the name is in use already", "the address is listed under hub"} {
		if strings.Count(l.log.String(), want) != 1 {
			t.Errorf("log %s, want %q once", l.log, want)
		}
	}
}

// TestWhatIsFoundTakesNoNameOfAnotherBus: who may write the file cannot speak under the name of a broker.
func TestWhatIsFoundTakesNoNameOfAnotherBus(t *testing.T) {
	file := filepath.Join(t.TempDir(), "endpoints.yaml")
	if err := os.WriteFile(file, []byte("broker: tcp://127.0.0.1:2\nother: tcp://127.0.0.1:3"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{EndpointsFile: file}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	s.Reserve(func() []string { return []string{"broker"} })
	if all := s.current(); len(all) != 1 || all[0].name != "other" {
		t.Errorf("%d endpoints, want other alone", len(all))
	}
}

func TestNewRefusesABadList(t *testing.T) {
	file := filepath.Join(t.TempDir(), "endpoints.yaml")
	for _, text := range []string{"", "a: nowhere"} {
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := New(Config{EndpointsFile: file}, quiet())
		if err == nil || !strings.HasPrefix(err.Error(), "endpoints_file: ") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
