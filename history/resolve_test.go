package history_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// said makes a message with the id "x" and that content. A content in capitals is proved.
func said(content string) *catalogue.Event {
	e := event("x", 1, "org.example.prod.git.receive", []string{"alice"}, []string{"bash"})
	e.Body, e.Payload = strings.ToLower(content), []byte(content)
	e.Standing.Verdict = bus.Unsigned
	if content == strings.ToUpper(content) {
		e.Standing = bus.Standing{Verdict: bus.Signed, Signer: "genuine"}
	}
	return e
}

// kept gives what is kept, the first first: id, payload, and the claimed id in brackets; and checks that everything has
// its names. Derived ids are shown as x~ and the content whose hash it is.
func kept(t *testing.T, d *migrations.DB) string {
	t.Helper()
	var rows []struct {
		MsgID, ClaimedID, Verdict string
		Payload                   []byte
		Users, Packages, Facts    int
	}
	err := d.Reader.Raw(`SELECT msg_id, claimed_id, verdict, payload,
		(SELECT count(*) FROM message_users u WHERE u.message_id = m.id) AS users,
		(SELECT count(*) FROM message_packages p WHERE p.message_id = m.id) AS packages,
		(SELECT count(*) FROM message_facts f WHERE f.message_id = m.id) AS facts
		FROM messages m`).Scan(&rows).Error
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range rows {
		if r.Users != 1 || r.Packages != 1 || r.Facts != 1 {
			t.Errorf("%s has %d users, %d packages, %d facts", r.MsgID, r.Users, r.Packages, r.Facts)
		}
		line := plainID(r.MsgID) + "=" + string(r.Payload)
		if r.ClaimedID != "" {
			line += "(" + plainID(r.ClaimedID) + ")"
		}
		if proved := r.Verdict == string(bus.Signed); proved != (string(r.Payload) == strings.ToUpper(string(r.Payload))) {
			t.Errorf("%s has the verdict %q", line, r.Verdict)
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// plainID writes the content for its hash in a derived id.
func plainID(id string) string {
	for _, content := range []string{"a", "b", "c", "d"} {
		id = strings.ReplaceAll(id, "~"+said(content).ContentHash().String()[:16], "~"+content)
	}
	return id
}

// told describes the outcomes of a batch, one word each: the id where people are to be told, else the fate; the
// conflict; what moved, with "!" where it is contradicted.
func told(outcomes []history.Outcome) string {
	var words []string
	for _, o := range outcomes {
		word := map[history.Fate]string{history.Repeated: "repeated", history.Doubted: "doubted",
			history.Upgraded: "up:" + plainID(o.Event.ID), history.Added: plainID(o.Event.ID)}[o.Fate]
		if o.Conflict.Kind != history.NoConflict {
			word += "/" + string(o.Conflict.Kind)
		}
		for _, m := range o.Moves {
			word += "," + plainID(m.From) + ">" + plainID(m.To)
			if m.Contradicted {
				word += "!"
			}
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// TestSameID appends messages with one id. Each word of steps is a batch, each letter a message; capitals are proved.
func TestSameID(t *testing.T) {
	for _, c := range []struct{ name, steps, told, kept string }{
		{"exact repeats", "a a aa", "x; repeated; repeated repeated", "x=a"},
		{"a proved copy", "a A a A", "x; up:x; repeated; repeated", "x=A"},
		{"a proved copy in the batch", "aA", "repeated x", "x=A"},
		{"genuine after forged", "a B", "x; x/replaced,x>x~a!", "x=B x~a=a(x)"},
		{"the forged one again", "a B a a", "x; x/replaced,x>x~a!; repeated; repeated", "x=B x~a=a(x)"},
		{"genuine after forged in the batch", "aB", "doubted x/replaced,x>x~a!", "x=B x~a=a(x)"},
		{"forged after genuine", "B a a", "x; doubted/refused; repeated", "x=B x~a=a(x)"},
		{"forged after genuine in the batch", "Ba", "x doubted/refused", "x=B x~a=a(x)"},
		{"neither is proved", "a b b", "x; x~b/undecided; repeated", "x=a x~b=b(x)"},
		{"both are proved", "A B B", "x; x~b/undecided; repeated", "x=A x~b=B(x)"},
		{"many forged ones", "a b c D", "x; x~b/undecided; x~c/undecided; x/replaced,x>x~a!,x~c>x~c!,x~b>x~b!",
			"x=D x~a=a(x) x~b=b(x) x~c=c(x)"},
		{"many in the batch", "abD", "doubted doubted/undecided x/replaced,x>x~a!,x~b>x~b!", "x=D x~a=a(x) x~b=b(x)"},
		{"the second copy is proved", "a b B", "x; x~b/undecided; up:x/replaced,x>x~a!,x~b>x", "x=B x~a=a(x)"},
		{"the second copy is proved in the batch", "abB", "doubted repeated/undecided x/replaced,x>x~a!,x~b>x",
			"x=B x~a=a(x)"},
		{"a copy kept aside is proved", "A b B", "x; doubted/refused; up:x~b", "x=A x~b=B(x)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
				var all []string
				for _, step := range strings.Fields(c.steps) {
					var events []*catalogue.Event
					for _, content := range strings.Split(step, "") {
						events = append(events, said(content))
					}
					all = append(all, told(appendAll(t, s, d, events...)))
				}
				if got := strings.Join(all, "; "); got != c.told {
					t.Errorf("told %q, want %q", got, c.told)
				}
				if got := kept(t, d); got != c.kept {
					t.Errorf("kept %q, want %q", got, c.kept)
				}
			})
		})
	}
}

// TestSameIDByChance appends random messages with one id in random batches. Whatever the order, no content is lost,
// the first that is proved keeps the id, and people are told of each proved one.
func TestSameIDByChance(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		rapid.Check(t, func(r *rapid.T) {
			if err := d.Writer.Exec("DELETE FROM messages").Error; err != nil {
				r.Fatal(err)
			}
			tally := newTally()
			for _, batch := range rapid.SliceOfN(rapid.StringMatching(`[abcABC]{1,4}`), 1, 6).Draw(r, "batches") {
				var events []*catalogue.Event
				for _, content := range strings.Split(batch, "") {
					events = append(events, said(content))
				}
				tally.add(batch, appendAll(t, s, d, events...))
			}
			tally.check(r, kept(t, d))
		})
	})
}

// A tally is what was appended, and what people were told of, by content.
type tally struct {
	came, told []string
}

func newTally() *tally { return &tally{} }

func (y *tally) add(batch string, outcomes []history.Outcome) {
	for i, o := range outcomes {
		y.came = append(y.came, batch[i:i+1])
		if o.New() {
			y.told = append(y.told, string(o.Event.Payload))
		}
	}
}

func (y *tally) check(t rapid.TB, kept string) {
	for _, low := range []string{"a", "b", "c"} {
		want, high := low, strings.ToUpper(low)
		if slices.Contains(y.came, high) {
			want = high
		}
		n := strings.Count(kept, "="+low) + strings.Count(kept, "="+high)
		if came := slices.Contains(y.came, want); came && (n != 1 || !strings.Contains(kept, "="+want)) || !came && n != 0 {
			t.Errorf("of %q is kept: %q", y.came, kept)
		}
		if want == high && !slices.Contains(y.told, high) {
			t.Errorf("nobody is told of %s: %q of %q", high, y.told, y.came)
		}
	}
	if first := slices.IndexFunc(y.came, func(c string) bool { return c == strings.ToUpper(c) }); first >= 0 &&
		!strings.Contains(kept, "x="+y.came[first]) {
		t.Errorf("%s was proved first, of %q; kept: %q", y.came[first], y.came, kept)
	}
}

// TestSameIDAtOnce lets several nodes append a genuine message, copies and forgeries at once.
func TestSameIDAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		for round := range 8 {
			if err := d.Writer.Exec("DELETE FROM messages").Error; err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			told := map[string]int{}
			var wg sync.WaitGroup
			for node := range 4 {
				wg.Go(func() {
					for step := range 6 {
						batch := []string{"a", "bA", "b", "a", "Ab", "c"}[(step+node*round)%6]
						outcomes, err := appendSaid(s, d, batch)
						if err != nil {
							t.Errorf("node %d appends %s: %v", node, batch, err)
							return
						}
						mu.Lock()
						for _, o := range outcomes {
							if o.New() {
								told[string(o.Event.Payload)]++
							}
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if got := kept(t, d); got != "x=A x~b=b(x) x~c=c(x)" {
				t.Errorf("kept %q", got)
			}
			if told["A"] != 1 || told["a"] > 1 || told["b"] > 1 || told["c"] > 1 {
				t.Errorf("told %v", told)
			}
		}
	})
}

func appendSaid(s *history.Store, d *migrations.DB, batch string) (outcomes []history.Outcome, err error) {
	var events []*catalogue.Event
	for _, content := range strings.Split(batch, "") {
		events = append(events, said(content))
	}
	err = d.Writer.Transaction(func(tx *gorm.DB) (err error) {
		outcomes, err = s.Append(tx, events)
		return err
	})
	return outcomes, err
}

// TestDerivedIDIsNotToBeHad sends a message under the id that another is to be kept under.
func TestDerivedIDIsNotToBeHad(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		squat := said("c")
		squat.ID = "x~" + said("b").ContentHash().String()[:16]
		appendAll(t, s, d, squat)
		appendAll(t, s, d, said("a"))
		if got := told(appendAll(t, s, d, said("b"))); got != "x~b/undecided" {
			t.Errorf("told %q", got)
		}
		if got := kept(t, d); got != "x=a x~b=b(x) x~b~c=c(x~b)" {
			t.Errorf("kept %q", got)
		}
	})
}

// TestDerivedIDComesBack puts what one history has kept aside, and exported, into the same history and into another.
func TestDerivedIDComesBack(t *testing.T) {
	aside := func() *catalogue.Event {
		e := said("b")
		e.ID = "x~" + said("b").ContentHash().String()[:16]
		return e
	}
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		appendAll(t, s, d, said("a"), aside(), aside())
		if got := kept(t, d); got != "x=a x~b=b(x)" {
			t.Errorf("kept %q", got)
		}
		if got := told(appendAll(t, s, d, said("b"), aside())); got != "repeated repeated" {
			t.Errorf("told %q", got)
		}
		sum := load(t, s, s.NewLoader(), []*catalogue.Event{aside()})
		if got := kept(t, d); got != "x=a x~b=b(x)" || sum.Known != 1 {
			t.Errorf("kept %q after %+v", got, sum)
		}
	})
}

// TestOlderRowHasNoHash appends a copy of a message that an older version has stored, and another message.
func TestOlderRowHasNoHash(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		old := func() *catalogue.Event {
			f := bus.Frame{Source: "main", Topic: "a.b", Payload: []byte(`{"topic":"a.b","msg_id":"x","timestamp":7,"msg":{"y":1}}`)}
			m, err := bus.Decode(f, noon)
			if err != nil {
				t.Fatal(err)
			}
			return &catalogue.Event{Message: m}
		}
		put(t, s, d, old())
		if err := d.Writer.Exec("UPDATE messages SET content_hash = '', verdict = ''").Error; err != nil {
			t.Fatal(err)
		}
		if got := told(appendAll(t, s, d, old())); got != "repeated" {
			t.Errorf("a copy is told as %q", got)
		}
		if got := told(appendAll(t, s, d, said("b"))); got != "x~b/undecided" {
			t.Errorf("another message is told as %q", got)
		}
		if got := told(appendAll(t, s, d, said("C"))); !strings.HasPrefix(got, "x/replaced") {
			t.Errorf("a proved message is told as %q", got)
		}
		var n int64
		if err := d.Reader.Table("messages").Count(&n).Error; err != nil || n != 3 {
			t.Errorf("%d messages are kept, %v", n, err)
		}
	})
}
