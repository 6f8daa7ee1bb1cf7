package daemon

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// BenchmarkHostileMessage carries messages that cost as much as their senders could make them from the frame to the
// plan of one delivery, each alone. It reports the least time of each shape, since a busy machine only adds to it, and
// where it went. Of the many shapes that the embedded entries are fed, and of those of the kit, it reports the worst.
func BenchmarkHostileMessage(b *testing.B) {
	l := newLane(b)
	for _, f := range bustest.Costly() {
		b.Run(strings.ReplaceAll(f.Name, " ", "-"), func(b *testing.B) { l.worst(b, []bustest.HostileFrame{f}) })
	}
	kit, entries := l.costliest(bustest.Hostile()), l.costliest(l.inflated(b))
	b.Run("the-kit's", func(b *testing.B) { l.worst(b, kit) })
	b.Run("entries-inflated", func(b *testing.B) { l.worst(b, entries) })
}

// costliest gives the ten frames that take longest when they are carried once.
func (l *lane) costliest(frames []bustest.HostileFrame) []bustest.HostileFrame {
	took := make(map[string]time.Duration, len(frames))
	for _, f := range frames {
		took[f.Name] = l.carry(f.Frame).whole
	}
	slices.SortFunc(frames, func(f, g bustest.HostileFrame) int { return cmp.Compare(took[g.Name], took[f.Name]) })
	return frames[:min(len(frames), 10)]
}

// worst reports the shape whose least time is the longest.
func (l *lane) worst(b *testing.B, frames []bustest.HostileFrame) {
	b.Helper()
	least := make([]laps, len(frames))
	for n := 0; b.Loop(); n++ {
		for i, f := range frames {
			if took := l.carry(f.Frame); n == 0 || took.whole < least[i].whole {
				least[i] = took
			}
		}
	}
	worst := 0
	for i := range least {
		if least[i].whole > least[worst].whole {
			worst = i
		}
	}
	ms := func(d time.Duration, unit string) { b.ReportMetric(float64(d.Microseconds())/1000, unit) }
	took := least[worst]
	ms(took.whole, "ms")
	ms(took.decode, "decode")
	ms(took.describe, "describe")
	ms(took.match, "match")
	ms(took.plan, "plan")
	b.ReportMetric(0, "ns/op")
	if len(frames) > 1 {
		b.Logf("the worst of %d: %s", len(frames), frames[worst].Name)
	}
}

// A lane is all that a message passes from the frame to the plan.
type lane struct {
	verifier *trust.Verifier
	meaning  *catalogue.Catalogue
	index    *rules.Index
	hits     []prefs.Subscription
	found    rules.Result
}

func newLane(b *testing.B) *lane {
	b.Helper()
	verifier, err := trust.New(trust.Config{}, trust.Keys{})
	if err != nil {
		b.Fatal(err)
	}
	meaning, err := catalogue.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	l := &lane{verifier: verifier, meaning: meaning, index: rules.NewIndex(rulespec.Env{})}
	for i, text := range [][2]string{{"package", "bash"}, {"user", "alice"}, {"regex", "sec.*urity"}, {"topic", "*.git.*"}} {
		rule := rulespec.Rule{Kind: text[0], Args: rulespec.Args{rulespec.LookupRuleKind(text[0]).Params[0].Name: {text[1]}}}
		f := rulespec.Filter{ID: rulespec.FilterID(i + 1), Name: text[0], Rules: []rulespec.Rule{rule}}
		if broken := l.index.Apply(rules.Change{Filter: f}); len(broken) > 0 {
			b.Fatal(broken)
		}
		l.hits = []prefs.Subscription{{Filter: prefs.Filter{Filter: f}, Destinations: []prefs.Destination{{ID: 1}}}}
	}
	return l
}

type laps struct{ decode, describe, match, plan, whole time.Duration }

func (l *lane) carry(f bus.Frame) (took laps) {
	start := time.Now()
	lap := func(d *time.Duration) {
		*d = time.Since(start) - took.whole
		took.whole += *d
	}
	r := receive(f, l.verifier, start)
	if lap(&took.decode); r.err != nil {
		return took
	}
	e := l.meaning.Describe(r.message)
	e.Prose()
	lap(&took.describe)
	l.index.Find(&l.found, e, nil)
	lap(&took.match)
	prefs.Plan(e, l.hits, start, nil)
	lap(&took.plan)
	return took
}

// inflated are the examples of the embedded catalogue, each with its values multiplied as far as they are read whole.
func (l *lane) inflated(b *testing.B) (all []bustest.HostileFrame) {
	b.Helper()
	for _, k := range l.meaning.Kinds() {
		examples, err := l.meaning.Examples(k.Kind)
		if err != nil || len(examples) == 0 {
			b.Fatal(k.Kind, err)
		}
		m := examples[0].Message
		for _, in := range inflations {
			for n := 1000; n > 1; n = n * 2 / 3 {
				body := inflate(m.Body, 0, n, in.inflate)
				if costOf(body, bus.MaxRead) >= bus.MaxRead {
					continue
				}
				payload, err := json.Marshal(map[string]any{"topic": m.Topic, "msg_id": "h", "timestamp": 1, "msg": body})
				if err != nil || len(payload) > bus.MaxRead {
					continue
				}
				f := bus.Frame{Topic: m.Topic, Payload: payload}
				if got, err := bus.Decode(f, time.Now()); err == nil && got.Body != nil {
					all = append(all, bustest.HostileFrame{Name: k.Kind + " of " + in.name, Frame: f})
					break
				}
			}
		}
	}
	return all
}

// inflations turn a value of a message into one that costs more, n times as much.
var inflations = []struct {
	name    string
	inflate func(v any, n int) any
}{
	{"long lists", func(v any, n int) any {
		if list, ok := v.([]any); ok && len(list) > 0 {
			return slices.Repeat(list[:1], n)
		}
		return v
	}},
	{"lists", func(v any, n int) any { return slices.Repeat([]any{v}, n/10+1) }},
	{"long texts", func(v any, n int) any {
		if s, ok := v.(string); ok {
			return s + strings.Repeat(" "+s, n*16/(len(s)+1))
		}
		return v
	}},
	{"lists of long texts", func(v any, n int) any {
		if s, ok := v.(string); ok {
			return slices.Repeat([]any{s + strings.Repeat("-"+s, n*4/(len(s)+1))}, n/4+1)
		}
		return v
	}},
	{"lists of objects", func(v any, n int) any {
		if s, ok := v.(string); ok {
			return map[string]any{s: s + strings.Repeat("é\n", n/4), "name": s, "b": slices.Repeat([]any{s}, n/20)}
		} else if list, ok := v.([]any); ok && len(list) > 0 {
			return slices.Repeat(list[:1], n)
		}
		return v
	}},
	{"many fields", func(v any, n int) any {
		if m, ok := v.(map[string]any); ok {
			for i := range n * 5 {
				m[fmt.Sprint("z", i)] = map[string]any{"nvr": fmt.Sprintf("p%d-1-1", i)}
			}
		}
		return v
	}},
}

// costOf is about what a value costs to read, or most: see bus.MaxRead.
func costOf(v any, most int) (size int) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if size += 100 + len(k) + costOf(x, most); size > most {
				return most
			}
		}
	case []any:
		for _, x := range v {
			if size += costOf(x, most); size > most {
				return most
			}
		}
	case string:
		size = len(v)
	}
	return min(size+36, most)
}

// inflate multiplies every value below v, from the inside.
func inflate(v any, depth, n int, with func(any, int) any) any {
	switch t := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, x := range t {
			out[k] = inflate(x, depth+1, n, with)
		}
		v = out
	case []any:
		out := make([]any, len(t))
		for i, x := range t {
			out[i] = inflate(x, depth+1, n, with)
		}
		v = out
	}
	if _, isObject := v.(map[string]any); depth == 0 && isObject {
		if m, ok := with(v, n).(map[string]any); ok {
			return m
		}
		return v
	}
	return with(v, n)
}
