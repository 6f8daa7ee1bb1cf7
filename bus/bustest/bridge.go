package bustest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/internal/secret"
)

// A BridgeFixture is a driver of bridges under test and the far end of its bus: RunBridge is to bus.Bridge what Run is
// to bus.Source.
type BridgeFixture struct {
	Driver bus.BridgeDriver
	// Config is the driver's section of the configuration, in YAML, with one bridge.
	Config string
	// Mistakes are sections that Open must refuse, by the key that its error must name.
	Mistakes map[string]string
	// Secrets must appear in no error and no log.
	Secrets []string

	// Received gives all that the other bus has, in the order in which it came, with its repeats.
	Received func(t testing.TB) []Arrived
	// Never are loads that the other bus will never take: each is to be refused, and nothing else.
	Never []bus.Load
	// Down makes the other bus die, Up brings it back at the same address, with what it has confirmed.
	Down, Up func(t testing.TB)
	// Attacks are what a hostile peer in the other bus's place can do. Each is Alone. An attack may begin with the next
	// connection, and that may fail.
	Attacks []Attack
	// Timeout is that of Config: how long one silence of the other bus may last.
	Timeout time.Duration
}

// Arrived is a message as it is on the other bus.
type Arrived struct {
	ID, Topic string
	Body      []byte // JSON
}

// The promises of bus.Bridge; those that a source makes too have the same words.
const (
	promiseConfirmed  = "what Carry calls done is with the other bus, in the order of loads"
	promiseCarried    = "a message keeps its id, its topic and its body"
	promiseNever      = "what the other bus will never take is done and told, and stops nothing"
	promiseNotNow     = "what the other bus does not take now is an error, and not done"
	promiseAgainLater = "after an error Carry works as soon as the other bus does"
	promiseCarryEnd   = "Carry returns within seconds of ctx's end"
	promiseClosed     = "after Close all that a bridge started has ended"
	promiseCarryLong  = "nothing that the other bus does keeps Carry for longer than its timeout"
)

var bridgeParts = []struct {
	name string
	test func(*bridgeBench)
}{
	{"driver", testBridgeDriver},
	{"mistakes", testBridgeMistakes},
	{"order", testBridgeOrder},
	{"bodies", testBridgeBodies},
	{"refused", testBridgeRefused},
	{"outage", testBridgeOutage},
	{"outage while it works", testBridgeCut},
	{"attacks", testBridgeAttacks},
	{"end", testBridgeEnd},
}

// RunBridge runs the whole kit for bridges. open is called once for each part, and cleans up by t.Cleanup.
func RunBridge(t *testing.T, open func(t testing.TB) BridgeFixture) {
	for _, part := range bridgeParts {
		t.Run(part.name, func(t *testing.T) {
			part.test(newBridgeBench(t, open(t)))
		})
	}
}

// bridgeBench is a fixture under test and what it logs.
type bridgeBench struct {
	BridgeFixture
	t     testing.TB
	log   *logbook
	label string
	open  bus.OpenBridge // by start
}

func newBridgeBench(t testing.TB, f BridgeFixture) *bridgeBench {
	b := &bridgeBench{BridgeFixture: f, t: t, log: &logbook{}, label: fmt.Sprintf("run %d", labels.Add(1))}
	t.Cleanup(func() { b.checkSecrets("the log", b.log.String()) })
	return b
}

func (b *bridgeBench) broken(promise, format string, args ...any) {
	b.t.Helper()
	b.t.Errorf("%s: %s", promise, fmt.Sprintf(format, args...))
}

func (b *bridgeBench) fatal(promise, format string, args ...any) {
	b.t.Helper()
	b.t.Fatalf("%s: %s", promise, fmt.Sprintf(format, args...))
}

func (b *bridgeBench) checkSecrets(where, text string) {
	for _, secret := range b.Secrets {
		if strings.Contains(text, secret) {
			b.broken(promiseSecret, "%s has %q", where, secret)
		}
	}
}

func (b *bridgeBench) openBy(config string) ([]bus.OpenBridge, error) {
	decode := func(into any) error {
		if err := yaml.UnmarshalWithOptions([]byte(config), into, yaml.Strict()); err != nil {
			return errors.New(yaml.FormatError(err, false, false))
		}
		return nil
	}
	all, err := b.Driver.Open(decode, slog.New(slog.NewTextHandler(b.log, nil)))
	if err != nil {
		b.checkSecrets("the error of Open", err.Error())
	}
	return all, err
}

// start opens the bridge, and closes it with the test.
func (b *bridgeBench) start() {
	b.t.Helper()
	var all []bus.OpenBridge
	var err error
	b.labelled(func(context.Context) { all, err = b.openBy(b.Config) })
	if err != nil || len(all) != 1 {
		b.fatal(promiseDriver, "Open gives %d bridges and %v, want one, with the configuration\n%s", len(all), err, b.Config)
	}
	if started := goroutines(b.label); started != "" {
		b.broken(promiseStill, "goroutines run after Open:\n%s", started)
	}
	b.open = all[0]
	c := b.open.Choice
	if b.open.Name == "" || b.open.To == "" || c.RetryMin <= 0 || c.RetryMax < c.RetryMin {
		b.broken(promiseDriver, "the open bridge lacks something: %+v", b.open)
	}
	b.checkSecrets("To", b.open.To)
}

// labelled does something whose goroutines can be found again.
func (b *bridgeBench) labelled(do func(context.Context)) {
	pprof.Do(context.Background(), pprof.Labels("bustest", b.label), do)
}

// close closes the bridge and looks whether all has ended.
func (b *bridgeBench) close() {
	b.t.Helper()
	if err := metric.Check(b.open.Bridge.Collect); err != nil {
		b.broken(promiseMetrics, "%v", err)
	}
	if err := b.open.Bridge.Close(); err != nil {
		b.broken(promiseClosed, "Close = %v", err)
	}
	left := ""
	deadline := time.Now().Add(Prompt)
	for left = goroutines(b.label); left != "" && time.Now().Before(deadline); left = goroutines(b.label) {
		<-time.After(5 * time.Millisecond)
	}
	if left != "" {
		b.broken(promiseClosed, "still there:\n%s", left)
	}
}

// carry calls Carry once, and checks what it says about itself.
func (b *bridgeBench) carry(ctx context.Context, loads []bus.Load) (done int, refused []bus.Refused, err error) {
	b.t.Helper()
	began := time.Now()
	b.labelled(func(context.Context) { done, refused, err = b.open.Bridge.Carry(ctx, loads) })
	if took := time.Since(began); took > 3*b.Timeout+Prompt {
		b.broken(promiseCarryLong, "it took %v", took)
	}
	if err != nil {
		b.checkSecrets("an error of Carry", err.Error())
	}
	if done < 0 || done > len(loads) || (err == nil) != (done == len(loads)) {
		b.fatal(promiseConfirmed, "of %d loads %d are done, with the error %v", len(loads), done, err)
	}
	for i, r := range refused {
		if r.Index < 0 || r.Index >= done || r.Reason == "" || r.Err == nil || i > 0 && r.Index <= refused[i-1].Index {
			b.broken(promiseNever, "of %d done loads %+v were refused", done, refused)
		}
	}
	return done, refused, err
}

// carryAll carries loads, however often Carry fails, until the time is over.
func (b *bridgeBench) carryAll(promise string, loads []bus.Load) {
	b.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for len(loads) > 0 {
		done, _, err := b.carry(context.Background(), loads)
		if loads = loads[done:]; err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.fatal(promise, "%d loads are left after a minute: %v; log:\n%s", len(loads), err, b.log)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// loads makes loads of samples.
func loads(first, count int) []bus.Load {
	all := make([]bus.Load, count)
	for i, f := range Samples(first, count) {
		all[i] = LoadOf(f)
	}
	return all
}

// LoadOf makes a load of a frame.
func LoadOf(f bus.Frame) bus.Load {
	m, err := bus.Decode(f, time.Unix(1_780_000_000, 0))
	if err != nil {
		panic(err)
	}
	return bus.Load{Message: m, ID: m.ID, Severity: "warning", Users: []string{"zoë"}, Packages: []string{"tea"}}
}

// want checks that the other bus has exactly these loads, each at least once, in the order of their first coming.
func (b *bridgeBench) want(loads []bus.Load) {
	b.t.Helper()
	var first []Arrived
	seen := map[string]bool{}
	for _, a := range b.Received(b.t) {
		if !seen[a.ID] {
			first = append(first, a)
		}
		seen[a.ID] = true
	}
	for i, l := range loads {
		if i >= len(first) {
			b.fatal(promiseConfirmed, "%d of %d loads are with the other bus", i, len(loads))
		}
		if a := first[i]; a.ID != l.ID {
			b.fatal(promiseConfirmed, "load %d has the id %q, want %q", i, a.ID, l.ID)
		} else if a.Topic != l.Message.Topic || !sameJSON(a.Body, l.Message.Body) {
			b.broken(promiseCarried, "%q: %s\nwant %q: %v", a.Topic, a.Body, l.Message.Topic, l.Message.Body)
		}
	}
	if len(first) > len(loads) {
		b.broken(promiseConfirmed, "there is more than was carried: %q", first[len(loads)].ID)
	}
}

func sameJSON(text []byte, want any) bool {
	got, err := bus.ParseJSON(text)
	if err != nil {
		return false
	}
	a, err1 := bus.Canonical(got)
	b, err2 := bus.Canonical(want)
	var x, y any
	return err1 == nil && err2 == nil && json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil &&
		reflect.DeepEqual(x, y)
}

var bridgeName = regexp.MustCompile(`^to_[a-z][a-z0-9]*$`)

func testBridgeDriver(b *bridgeBench) {
	d := b.Driver
	if !bridgeName.MatchString(d.Name) || !strings.HasSuffix(d.Doc, ".") {
		b.broken(promiseDriver, "the name %q is not to_ and one word, or the doc %q is no sentence", d.Name, d.Doc)
	}
	boom := errors.New("boom")
	all, err := d.Open(func(any) error { return boom }, slog.New(slog.DiscardHandler))
	if !errors.Is(err, boom) || all != nil {
		b.broken(promiseMistake, "Open gives %v and %v where decode fails, want nil and the error of decode", all, err)
	}
	_, _ = d.Open(func(into any) error {
		for _, key := range secret.Unmarked(into) {
			b.broken(promiseSecret, `%s looks like a secret and has no tag; secret:"true" masks it, "false" shows it`, key)
		}
		return boom
	}, slog.New(slog.DiscardHandler))
	b.start()
	b.close() // although it never carried
}

func testBridgeMistakes(b *bridgeBench) {
	for _, key := range slices.Sorted(maps.Keys(b.Mistakes)) {
		all, err := b.openBy(b.Mistakes[key])
		switch {
		case err == nil:
			b.broken(promiseMistake, "Open = nil with the configuration\n%s", b.Mistakes[key])
		case !strings.Contains(err.Error(), key):
			b.broken(promiseMistake, "Open = %q, which does not name %s", err, key)
		case all != nil:
			b.broken(promiseMistake, "Open gives bridges beside its error, want nil")
		}
	}
	unknown := strings.Replace(b.Config, "{", "{no_such_key: 1, ", 1)
	if _, err := b.openBy(unknown); err == nil || !strings.Contains(err.Error(), "no_such_key") {
		b.broken(promiseMistake, "Open = %v, which does not name no_such_key", err)
	}
}
