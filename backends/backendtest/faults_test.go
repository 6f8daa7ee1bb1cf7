package backendtest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/internal/metric"
)

// A faulty backend is a shelf whose Send is another.
type faulty struct {
	*shelf
	send func(ctx context.Context, p backends.Parcel) error
}

func (f faulty) Send(ctx context.Context, p backends.Parcel) error { return f.send(ctx, p) }

// endless is a shelf that runs for ever.
type endless struct{ *shelf }

func (endless) Run(context.Context) error { select {} }

// brief is a shelf that works for one Run only.
type brief struct {
	*shelf
	over atomic.Bool
}

func (b *brief) Run(ctx context.Context) error {
	<-ctx.Done()
	b.over.Store(true)
	return nil
}

func (b *brief) Send(ctx context.Context, p backends.Parcel) error {
	if b.over.Load() {
		return fmt.Errorf("put on the shelf: %w", backends.ErrUnavailable)
	}
	return b.shelf.Send(ctx, p)
}

// counted is a shelf with a figure that names whom it is about.
type counted struct{ *shelf }

func (counted) Collect(emit metric.Emit) {
	emit(&metric.Desc{Name: "notifyd_shelf_parcels", Help: "Parcels.", Labels: []string{"to"}}, 1, "alice")
}

// fault is a backend with one fault, and the promise that it breaks.
type fault struct {
	part    string // the part of the kit that finds it
	promise string
	make    func(f *backendtest.Fixture, s *shelf)
}

// altered sends what change makes of each parcel.
func altered(change func(p *backends.Parcel)) func(f *backendtest.Fixture, s *shelf) {
	return sending(func(ctx context.Context, s *shelf, p backends.Parcel) error {
		p.Notices = append([]backends.Notice(nil), p.Notices...)
		change(&p)
		return s.Send(ctx, p)
	})
}

func sending(send func(context.Context, *shelf, backends.Parcel) error) func(f *backendtest.Fixture, s *shelf) {
	return func(f *backendtest.Fixture, s *shelf) {
		f.Backend = faulty{s, func(ctx context.Context, p backends.Parcel) error { return send(ctx, s, p) }}
	}
}

var faults = map[string]fault{
	"no title": {"info", "Info has every field", func(f *backendtest.Fixture, _ *shelf) { f.Info.Title = "" }},
	"any address": {"info", "CheckAddress gives", func(f *backendtest.Fixture, _ *shelf) {
		f.Info.CheckAddress = func(a string) (string, error) { return a, nil }
	}},
	"address in a label": {"metrics", "metrics keep to their model", func(f *backendtest.Fixture, s *shelf) {
		f.Backend = counted{s}
	}},
	"nothing arrives": {"one notice", "Send gives nil only for",
		sending(func(context.Context, *shelf, backends.Parcel) error { return nil })},
	"no text": {"one notice", "a notice that arrives whole", altered(func(p *backends.Parcel) {
		for i := range p.Notices {
			p.Notices[i].Text = ""
		}
	})},
	"no reasons": {"one notice", "every reason's filter name", altered(func(p *backends.Parcel) {
		for i := range p.Notices {
			p.Notices[i].Why = nil
		}
	})},
	"half a digest": {"digest", "a digest names each", altered(func(p *backends.Parcel) {
		p.Notices = p.Notices[:(len(p.Notices)+1)/2]
	})},
	"no account mail": {"account message", "account mail arrives", sending(
		func(ctx context.Context, s *shelf, p backends.Parcel) error {
			if len(p.Notices[0].Why) == 0 {
				return nil
			}
			return s.Send(ctx, p)
		})},
	"new identities": {"retry", "a parcel that is sent twice", func() func(*backendtest.Fixture, *shelf) {
		var n atomic.Int64
		return altered(func(p *backends.Parcel) { p.ID = strconv.FormatInt(n.Add(1), 10) })
	}()},
	"repeats": {"concurrent", "Send is safe for concurrent use", sending(
		func(ctx context.Context, s *shelf, p backends.Parcel) error {
			for range 4 {
				if err := s.Send(ctx, p); err != nil {
					return err
				}
			}
			return nil
		})},
	"deaf": {"deadline while stalled", "Send returns when its context ends", sending(
		func(ctx context.Context, s *shelf, p backends.Parcel) error {
			return s.Send(context.WithoutCancel(ctx), p)
		})},
	"hasty": {"cancel while stalled", "Send gives nil only for", sending(
		func(ctx context.Context, s *shelf, p backends.Parcel) error {
			go s.Send(ctx, p)
			return nil
		})},
	"refuses when told to stop": {"cancelled before", "an error about neither", sending(
		func(ctx context.Context, s *shelf, p backends.Parcel) error {
			if ctx.Err() != nil {
				return fmt.Errorf("put on the shelf: %w", backends.ErrRefused)
			}
			return s.Send(ctx, p)
		})},
	"refuses content for an address": {"refused", "an address that the far end refuses", sending(
		func(ctx context.Context, s *shelf, p backends.Parcel) error {
			if p.To == "nobody" {
				return fmt.Errorf("put on the shelf: %w", backends.ErrRefused)
			}
			return s.Send(ctx, p)
		})},
	"leaks": {"refused", "an error holds neither", sending(
		func(ctx context.Context, s *shelf, p backends.Parcel) error {
			if p.To == "nobody" {
				return fmt.Errorf("no shelf for nobody: %w", backends.ErrGone)
			}
			return s.Send(ctx, p)
		})},
	"loses what came back": {"down and back", "what could not be sent", func() func(*backendtest.Fixture, *shelf) {
		var failed atomic.Bool
		return sending(func(ctx context.Context, s *shelf, p backends.Parcel) error {
			if failed.Load() && p.ID == "late" {
				return nil
			}
			err := s.Send(ctx, p)
			failed.Store(failed.Load() || err != nil)
			return err
		})
	}()},
	"hides that nothing is proved": {"marked", "a marked notice shows", altered(func(p *backends.Parcel) {
		for i := range p.Notices {
			p.Notices[i].Provenance = backends.Provenance{}
		}
	})},
	"shows a stranger's name": {"marked", "a marked notice shows", altered(func(p *backends.Parcel) {
		for i := range p.Notices {
			p.Notices[i].Text += " " + p.Notices[i].App
		}
	})},
	"chokes": {"hostile", "no notice breaks out", sending(
		func(ctx context.Context, s *shelf, p backends.Parcel) error {
			if strings.ContainsRune(p.Notices[0].Title, 0) {
				p.Notices[0].Title = ""
				p.Notices[0].Text = ""
			}
			return s.Send(ctx, p)
		})},
	"runs once": {"next term", "a Runner that is not Everywhere", func(f *backendtest.Fixture, s *shelf) {
		f.Backend = &brief{shelf: s}
	}},
	"runs for ever": {"info", "Run returns nil soon after", func(f *backendtest.Fixture,
		s *shelf) {
		f.Backend = endless{s}
	}},
}

// TestFaulty runs the kit on the faulty backend that TestKitNamesTheBrokenPromise names, in a process of its own.
func TestFaulty(t *testing.T) {
	f, ok := faults[os.Getenv("BACKENDTEST_FAULT")]
	if !ok {
		t.Skip("run by TestKitNamesTheBrokenPromise")
	}
	backendtest.SetPatience(3 * time.Second)
	backendtest.Run(t, func(t *testing.T) backendtest.Fixture {
		s := &shelf{}
		made := fixture(s)
		f.make(&made, s)
		return made
	})
}

// TestKitNamesTheBrokenPromise runs the kit on backends with one fault each: it finds the fault, and says which promise
// was broken.
func TestKitNamesTheBrokenPromise(t *testing.T) {
	type result struct {
		out []byte
		err error
	}
	results := map[string]chan result{}
	for name, f := range faults { // all at once: they mostly wait
		ended := make(chan result, 1)
		results[name] = ended
		part := strings.ReplaceAll(f.part, " ", "_")
		kit := exec.CommandContext(t.Context(), os.Args[0], "-test.timeout=2m", "-test.run=^TestFaulty$/^"+part+"$")
		kit.Env = append(os.Environ(), "BACKENDTEST_FAULT="+name)
		go func() {
			out, err := kit.CombinedOutput()
			ended <- result{out, err}
		}()
	}
	for name, f := range faults {
		if r := <-results[name]; r.err == nil || !strings.Contains(string(r.out), "broken promise: "+f.promise) {
			t.Errorf("%s: the kit ended with %v, want the broken promise %q:\n%s", name, r.err, f.promise, r.out)
		}
	}
}

// TestPackageCommentListsPromises: what the kit says is broken is a sentence of the package comment.
func TestPackageCommentListsPromises(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	comment, _, _ := strings.Cut(read("backendtest.go"), "\npackage ")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^//   - (.*)$`).FindAllStringSubmatch(comment, -1) {
		listed[m[1]] = true
	}
	code := strings.ReplaceAll(read("promises.go"), "\" +\n\t\t\"", "")
	promises := regexp.MustCompile(`(?m)^\t\w+ +promise = "(.*)"$`).FindAllStringSubmatch(code, -1)
	for _, m := range promises {
		if !listed[m[1]] {
			t.Errorf("the package comment does not list the promise %q", m[1])
		}
	}
	if len(promises) != len(listed) || len(promises) < 15 {
		t.Errorf("%d promises, %d in the package comment", len(promises), len(listed))
	}
}
