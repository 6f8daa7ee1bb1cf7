package history_test

import (
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

const uuid = "4b5a3d2c-95a0-4f0e-b1cd-0123456789ab"

// forms are the ids of one message: as two years of fedmsg write it, as AMQP does, and with large letters.
var forms = map[string]string{"y": "2026-" + uuid, "p": "2025-" + uuid, "b": uuid, "u": strings.ToUpper(uuid)}

// twin makes the message of a word of two letters: the form of its id, and the content as said has it.
func twin(word string) *catalogue.Event {
	e := said(word[1:])
	e.ID = forms[word[:1]]
	return e
}

// twins makes a batch of words with commas between.
func twins(batch string) (events []*catalogue.Event) {
	for word := range strings.SplitSeq(batch, ",") {
		events = append(events, twin(word))
	}
	return events
}

// plainForm writes the letters of the forms for ids.
func plainForm(s string) string {
	return strings.NewReplacer(forms["y"], "y", forms["p"], "p", forms["b"], "b", forms["u"], "u").Replace(s)
}

// TestOneMessageFromTwoBuses is TestSameID with ids that differ as those of two buses do.
func TestOneMessageFromTwoBuses(t *testing.T) {
	for _, c := range []struct{ name, steps, told, kept string }{
		{"fedmsg, then AMQP", "ya ba ya pa ua", "y; repeated; repeated; repeated; repeated", "y=a"},
		{"AMQP, then fedmsg", "ba ya", "b; repeated", "b=a"},
		{"both at once", "ba,ya,pa", "b repeated repeated", "b=a"},
		{"a proved copy", "ba yA ba yA", "b; up:b; repeated; repeated", "b=A"},
		{"a proved copy first", "yA ba", "y; repeated", "y=A"},
		{"a proved copy in the batch", "ba,yA", "repeated b", "b=A"},
		{"both are proved", "bA yA", "b; repeated", "b=A"},
		{"forged after genuine", "bA yb ub", "b; doubted/refused; repeated", "b=A b~b=b(b)"},
		{"forged after genuine in the batch", "yA,bb", "y doubted/refused", "y=A y~b=b(y)"},
		{"genuine after forged", "ya bB pa bB", "y; y/replaced,y>y~a!; repeated; repeated", "y=B y~a=a(y)"},
		{"genuine after forged in the batch", "ya,bB", "doubted y/replaced,y>y~a!", "y=B y~a=a(y)"},
		{"neither is proved", "ya bb pb", "y; y~b/undecided; repeated", "y=a y~b=b(y)"},
		{"two say different things, both proved", "yA bB pB", "y; y~b/undecided; repeated", "y=A y~b=B(y)"},
		{"the second copy is proved", "ya bb pB", "y; y~b/undecided; up:y/replaced,y>y~a!,y~b>y", "y=B y~a=a(y)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
				var all []string
				for step := range strings.FieldsSeq(c.steps) {
					all = append(all, plainForm(told(appendAll(t, s, d, twins(step)...))))
				}
				if got := strings.Join(all, "; "); got != c.told {
					t.Errorf("told %q, want %q", got, c.told)
				}
				if got := plainForm(kept(t, d)); got != c.kept {
					t.Errorf("kept %q, want %q", got, c.kept)
				}
				for form, id := range forms {
					r, err := s.Get(t.Context(), id, readers.Sources{})
					if err != nil || !strings.HasPrefix(c.kept[1:], "="+string(r.Payload)) || r.ClaimedID != "" {
						t.Errorf("by the id %s is found %q under %q, %v", form, r.Payload, r.MsgID, err)
					}
				}
			})
		})
	}
}

// TestACopyThatProvesMoreCounts: a signature of the body alone is more than none, and less than one of the sender.
func TestACopyThatProvesMoreCounts(t *testing.T) {
	verdicts := map[string]bus.Verdict{"-": bus.Unsigned, "?": bus.Invalid, "+": bus.BodyOnly, "!": bus.Signed}
	for steps, want := range map[string]string{
		"-+": "+", "+-": "+", "-+!": "!", "!+": "!", "+!-": "!", "?+?": "+", "-?": "-", "?-": "?",
	} {
		t.Run(steps, func(t *testing.T) {
			each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
				window := bus.NewDedupWindow(9)
				for i, step := range strings.Split(steps, "") {
					e := twin([]string{"ya", "ba"}[i%2])
					e.Standing.Verdict = verdicts[step]
					outcome := appendAll(t, s, d, e)[0]
					if seen := window.See(e.Message); (seen == bus.Repeat) == outcome.New() {
						t.Errorf("step %d: the window says %v, the history %v", i, seen, outcome.Fate)
					}
				}
				r, err := s.Get(t.Context(), forms["b"], readers.Sources{})
				if err != nil || r.Standing.Verdict != verdicts[want] || r.MsgID != forms["y"] {
					t.Errorf("kept is %s, %s, %v", r.MsgID, r.Standing.Verdict, err)
				}
			})
		})
	}
}

// TestOlderRowHasNoCommonID: a message that an older version has stored is known by its own id alone. Nothing that
// comes under the other one stops a batch.
func TestOlderRowHasNoCommonID(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		appendAll(t, s, d, twin("ya"))
		tables := []string{"messages"}
		if d.Postgres {
			tables = append(tables, "message_ids")
		}
		for _, table := range tables {
			if err := d.Writer.Exec("UPDATE " + table + " SET common_id = ''").Error; err != nil {
				t.Fatal(err)
			}
		}
		var all []string
		for _, step := range []string{"ya", "ba", "pa", "yA", "yb", "bB", "yC,bC"} {
			all = append(all, plainForm(told(appendAll(t, s, d, twins(step)...))))
		}
		want := "repeated; b; repeated; up:y; doubted/refused; b/replaced,b>b~a!; y~c/undecided b~c/undecided"
		if got := strings.Join(all, "; "); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// TestOneMessageFromTwoBusesByChance is TestSameIDByChance with such ids.
func TestOneMessageFromTwoBusesByChance(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		rapid.Check(t, func(r *rapid.T) {
			if err := d.Writer.Exec("DELETE FROM messages").Error; err != nil {
				r.Fatal(err)
			}
			tally := newTally()
			for _, batch := range rapid.SliceOfN(rapid.StringMatching(`([ypbu][abcABC],){1,4}`), 1, 6).Draw(r, "batches") {
				batch = strings.TrimSuffix(batch, ",")
				contents := ""
				for word := range strings.SplitSeq(batch, ",") {
					contents += word[1:]
				}
				tally.add(contents, appendAll(t, s, d, twins(batch)...))
			}
			main := kept(t, d)
			for _, id := range forms { // the one that has the id is x, whichever of its forms that is
				main = strings.ReplaceAll(" "+main, " "+id+"=", " x=")[1:]
			}
			tally.check(r, main)
		})
	})
}

// TestOneMessageFromTwoBusesAtOnce lets several nodes append at once what two buses bring.
func TestOneMessageFromTwoBusesAtOnce(t *testing.T) {
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
						batch := []string{"ya", "bb,pA", "yb", "ua", "bA,yb", "yc"}[(step+node*round)%6]
						var outcomes []history.Outcome
						err := d.Writer.Transaction(func(tx *gorm.DB) (err error) {
							outcomes, err = s.Append(tx, twins(batch))
							return err
						})
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
			got := plainForm(kept(t, d))
			form := got[strings.Index(got, "=A")-1:][:1] // as it came first, whoever was first
			want := strings.ReplaceAll("x=A x~b=b(x) x~c=c(x)", "x", form)
			if got != want {
				t.Errorf("kept %q, want %q", got, want)
			}
			if told["A"] != 1 || told["a"] > 1 || told["b"] > 1 || told["c"] > 1 {
				t.Errorf("told %v", told)
			}
		}
	})
}
