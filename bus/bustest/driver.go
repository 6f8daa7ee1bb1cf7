package bustest

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

var driverName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

func testDriver(b *bench) {
	d := b.Driver
	if !driverName.MatchString(d.Name) {
		b.broken(promiseDriver, "the name %q is not one word in small letters", d.Name)
	}
	if !strings.HasSuffix(d.Doc, ".") {
		b.broken(promiseDriver, "the doc %q is no sentence", d.Doc)
	}
	if source := checkMistaken(b.report, d.Open); source != nil {
		b.broken(promiseMistake, "Open gives a %T where decode fails, want nil", source)
	}
	r := b.start(1) // which opens by Config, and looks for goroutines
	r.none(promiseOrder)
	b.checkAdapts(r.source)
	r.stop()
}

// checkAdapts checks a source that runs.
func (b *bench) checkAdapts(source bus.Source) {
	a, ok := source.(bus.Adaptable)
	if !ok {
		return
	}
	if len(a.Adapts()) == 0 {
		b.broken(promiseAdapt, "it names no key")
	}
	boom := errors.New("boom")
	if err := a.Adapt(func(any) error { return boom }); !errors.Is(err, boom) {
		b.broken(promiseAdapt, "Adapt = %v where decode fails, want the error of decode", err)
	}
	if err := a.Adapt(decodeOf(b.Config)); err != nil {
		b.broken(promiseAdapt, "Adapt = %v with the configuration that it has", err)
	}
}

func testMistakes(b *bench) {
	unknown := strings.TrimRight(b.Config, "\n") + "\nno_such_key: 1\n"
	if b.Config == "" || b.Config == "{}" {
		unknown = "no_such_key: 1"
	}
	b.checkMistake("no_such_key", unknown)
	for _, key := range slices.Sorted(maps.Keys(b.Mistakes)) {
		b.checkMistake(key, b.Mistakes[key])
	}
}

func (b *bench) checkMistake(key, config string) {
	source, err := b.open(config)
	switch {
	case err == nil:
		b.broken(promiseMistake, "Open = nil with the configuration\n%s", config)
	case !strings.Contains(err.Error(), key):
		b.broken(promiseMistake, "Open = %q, which does not name %s", err, key)
	case source != nil:
		b.broken(promiseMistake, "Open gives a %T beside its error, want nil", source)
	}
}
