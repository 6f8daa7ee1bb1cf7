package bustest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/notifyd/notifyd/bus"
)

func TestKitOnTheLeastSource(t *testing.T) {
	for name, drops := range map[string]bool{"waits": false, "drops": true} {
		t.Run(name, func(t *testing.T) { Run(t, memoryFixture("", drops)) })
	}
}

type brokenSource struct{ fault, part, promise string }

// brokenSources are one source for each way to break a promise that is known, the part of the kit that must find it,
// and the promise that its failure must name.
var brokenSources = []brokenSource{
	{"no doc", "driver", promiseDriver},
	{"swallows the error of decode", "driver", promiseMistake},
	{"unmarked secret", "driver", promiseSecret},
	{"starts in Open", "driver", promiseStill},
	{"no metrics", "driver", promiseMetrics},
	{"adapts to a mistake", "driver", promiseAdapt},
	{"malformed metrics", "driver", promiseMetrics},
	{"secret in the log", "driver", promiseSecret},
	{"knows every key", "mistakes", promiseMistake},
	{"typed nil", "mistakes", promiseMistake},
	{"names no key", "mistakes", promiseMistake},
	{"secret in an error", "mistakes", promiseSecret},
	{"secret in an error", "end while idle", promiseSecret},
	{"reorders", "order", promiseOrder},
	{"loses one", "order", promiseOrder},
	{"sends twice", "order", promiseOrder},
	{"uses its buffer again", "order", promiseSame},
	{"changes the payload", "order", promiseSame},
	{"names another source", "order", promiseSame},
	{"counts nothing", "order", promiseMetrics},
	{"returns at once", "end while idle", promiseLives},
	{"closes out", "end while idle", promiseOpen},
	{"ignores ctx while idle", "end while idle", promiseEnd},
	{"gives the error of ctx", "end while idle", promiseEnd},
	{"leaves a goroutine", "end while idle", promiseEnded},
	{"ignores ctx while full", "end while full", promiseEnd},
	{"sends after its end", "end while full", promiseEnded},
	{"waits in Done", "end while full", promiseDone},
	{"begins although ctx has ended", "end before begin", promiseEnd},
	{"dials without ctx", "end while down", promiseEnd},
	{"waits although it is spent", "spent", promiseSpent},
	{"waits for what is not done with", "spent", promiseSpent},
	{"calls the end an error", "spent", promiseSpent},
	{"acknowledges at once", "acknowledge", promiseAck},
	{"acknowledges twice", "acknowledge", promiseAck},
	{"acknowledges all before", "acknowledge", promiseAck},
	{"never acknowledges", "acknowledge", promiseAck},
	{"forgets what is not done with", "again", promiseAgain},
	{"sends again what is acknowledged", "again", promiseAgain},
	{"drops although it could wait", "back-pressure", promiseWait},
	{"drops the full queue without counting", "back-pressure", promiseDrop},
	{"drops all after a drop", "back-pressure", promiseDrop},
	{"holds without bound", "held", promiseHeld},
	{"does not look at bounds", "hostile frames", promiseBounds},
	{"cuts a topic", "hostile frames", promiseBounds},
	{"drops without counting", "hostile frames", promiseBounds},
	{"ends at what is no message", "hostile frames", promiseLives},
	{"is stuck at what is no message", "hostile frames", promiseTough},
	{"logs each drop", "hostile frames", promiseLog},
	{"does not end its meter", "hostile frames", promiseTotals},
	{"serves one peer at a time", "attacks", promiseTough},
	{"makes a frame of noise", "attacks", promiseTough},
	{"never connects again", "reconnect", promiseBack},
	{"stays connected", "reconnect", promiseMetrics},
	{"runs once only", "next term", promiseTerm},
	{"gives up when it cannot connect", "late peer", promiseLives},
}

// TestKitFindsEveryBrokenPromise runs each broken source through the part that must find it, in a bubble whose time
// costs nothing.
func TestKitFindsEveryBrokenPromise(t *testing.T) {
	for _, c := range brokenSources {
		t.Run(c.fault+" in "+c.part, func(t *testing.T) {
			drops := strings.Contains(c.promise, "a source that drops")
			failures := runPart(t, c.part, memoryFixture(c.fault, drops))
			if !slices.ContainsFunc(failures, func(f string) bool { return strings.HasPrefix(f, c.promise+": ") }) {
				t.Errorf("%d failures, want one that begins with %q:\n%.1000s",
					len(failures), c.promise, strings.Join(failures, "\n"))
			}
		})
	}
}

// TestEveryPromiseHasABrokenSource: a promise that no broken source breaks may be checked by nothing.
func TestEveryPromiseHasABrokenSource(t *testing.T) {
	for _, p := range parts {
		if !slices.ContainsFunc(brokenSources, func(c brokenSource) bool { return c.part == p.name }) {
			t.Errorf("no broken source for the part %q", p.name)
		}
	}
	for name, promise := range promises(t) {
		if !slices.ContainsFunc(brokenSources, func(c brokenSource) bool { return c.promise == promise }) {
			t.Errorf("no broken source for %s: %s", name, promise)
		}
	}
}

// promises reads the constants of promises.go.
func promises(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "promises.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found[spec.Names[0].Name] = text
		}
		return true
	})
	if len(found) < 20 {
		t.Fatalf("only %d promises", len(found))
	}
	return found
}

// runPart runs one part of the kit and gives its failures.
func runPart(t *testing.T, name string, open func(testing.TB) Fixture) []string {
	var failures []string
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
			parts[i].test(newBench(r, open(r)))
		}()
		<-ended
		for _, f := range slices.Backward(r.cleanups) {
			f()
		}
		failures = r.failures
	})
	return failures
}

// A recorder notes failures instead of failing.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Helper()          {}
func (r *recorder) Logf(string, ...any) {
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }
func (r *recorder) Skip(args ...any)  { r.Fatalf("skipped: %s", fmt.Sprint(args...)) }

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

var _ bus.Metered = (*memory)(nil)
