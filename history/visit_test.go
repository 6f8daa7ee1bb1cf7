package history_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A visitor notes what it sees, and wants every third message whole.
type visitor struct {
	keys         map[string][]string
	names, whole []string
	marked       int
}

func (v *visitor) Keys(...string) map[string][]string { return v.keys }

func (v *visitor) Names(e *catalogue.Event) bool {
	if e.Standing.Marked {
		v.marked++
	}
	v.names = append(v.names, e.Time.Format("05"))
	return len(v.names)%3 == 0
}

func (v *visitor) Whole(e *catalogue.Event, named bool) error {
	if named != (e.Actor != "unpacked") {
		return fmt.Errorf("named is %v of %+v", named, e)
	}
	v.whole = append(v.whole, e.Time.Format("05"))
	return nil
}

// TestVisit: the window, the keys, the order, and each message once.
func TestVisit(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		for i := range 9 {
			e := decodable(fmt.Sprint("m", i), i, fmt.Sprintf("org.example.prod.app%d.thing", i%2), []string{"alice"}, nil)
			if e.Actor = "alice"; i == 4 {
				e.Standing = bus.Standing{Verdict: bus.Unsigned, Marked: true}
			}
			put(t, s, d, e)
		}
		visit := func(v *visitor, most int) bool {
			t.Helper()
			all, err := s.Visit(t.Context(), history.VisitQuery{Since: noon.Add(time.Second), Until: noon.Add(8 * time.Second),
				Most: most, Describe: func(m *bus.Message) *catalogue.Event {
					return &catalogue.Event{Message: m, Actor: "unpacked"}
				}}, v)
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		v := &visitor{}
		if all := visit(v, 0); !all || fmt.Sprint(v.names, v.whole) != "[07 06 05 04 03 02 01] [05 02]" || v.marked != 1 {
			t.Errorf("%v: %+v", all, v)
		}
		v = &visitor{keys: map[string][]string{"app": {"app1"}}}
		if visit(v, 0); !slices.Equal(v.names, []string{"07", "05", "03", "01"}) {
			t.Errorf("by application: %+v", v)
		}
		v = &visitor{keys: map[string][]string{}}
		if all := visit(v, 0); !all || len(v.names) > 0 {
			t.Errorf("no keys: %+v", v)
		}
		v = &visitor{}
		if all := visit(v, 2); all || len(v.names) != 2 {
			t.Errorf("at most two: %v, %+v", all, v)
		}
		if err := d.Writer.Exec("DELETE FROM message_facts WHERE message_id IN (SELECT id FROM messages WHERE msg_id = 'm6')").
			Error; err != nil {
			t.Fatal(err)
		}
		v = &visitor{}
		if visit(v, 0); fmt.Sprint(v.names, v.whole) != "[07 05 04 03 02 01] [06 04 01]" {
			t.Errorf("one without names: %+v", v)
		}
	})
}
