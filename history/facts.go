package history

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// The form of facts is: this byte, the severity, 1 where the message is marked and 0 where not, topic, app, kind,
// actor, verdict and signer, then users and packages with their number before them. Numbers are uvarints
// (encoding/binary), and each text has its length before it. Form 2, of older versions, has no mark; form 1 no verdict
// and no signer either.
const (
	factsForm = 3
	maxFacts  = 16 << 10 // bytes; a message that has more is decoded for each scan
)

// pack returns the names that Filter.Names uses, packed; nil when they exceed maxFacts.
func pack(e *catalogue.Event) []byte {
	b := make([]byte, 1, 256)
	b[0] = factsForm
	b = binary.AppendUvarint(b, uint64(max(0, e.Severity)))
	marked := byte(0)
	if e.Standing.Marked {
		marked = 1
	}
	b = append(b, marked)
	verdict, signer := string(e.Standing.Verdict), why(e.Standing.Signer)
	for _, text := range []string{e.Topic, e.App, e.Kind, e.Actor, verdict, signer} {
		b = packText(b, text)
	}
	for _, list := range [][]string{e.Users, e.Packages} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, text := range list {
			if len(b) > maxFacts {
				return nil
			}
			b = packText(b, text)
		}
	}
	if len(b) > maxFacts {
		return nil
	}
	return b
}

func packText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// A facts holds one event. It is used again for each message.
type facts struct {
	event      catalogue.Event
	text       string // the text that is still to be read
	broken     bool
	saysMarked bool // the form says whether the message is marked
}

func newFacts() *facts {
	f := &facts{}
	f.event.Message = &bus.Message{}
	return f
}

// unpack fills the event from the packed form, and reports whether it could.
func (f *facts) unpack(packed []byte) bool {
	if len(packed) == 0 || packed[0] == 0 || packed[0] > factsForm {
		return false
	}
	f.text, f.broken = string(packed[1:]), false
	e := &f.event
	e.Severity = catalogue.Severity(f.number())
	f.saysMarked = packed[0] > 2
	marked := f.saysMarked && f.number() != 0
	e.Topic, e.App, e.Kind, e.Actor = f.one(), f.one(), f.one(), f.one()
	e.Standing = bus.Standing{}
	if packed[0] > 1 {
		e.Standing = bus.Standing{Verdict: bus.Verdict(f.one()), Signer: f.one(), Marked: marked}
	}
	e.Users = f.list(e.Users[:0])
	e.Packages = f.list(e.Packages[:0])
	return !f.broken && f.text == ""
}

func (f *facts) number() uint64 {
	var n uint64
	for i := 0; i < len(f.text) && i < binary.MaxVarintLen64; i++ {
		n |= uint64(f.text[i]&0x7f) << (7 * i)
		if f.text[i] < 0x80 {
			f.text = f.text[i+1:]
			return n
		}
	}
	f.broken, f.text = true, ""
	return 0
}

func (f *facts) one() string {
	n := f.number()
	if n > uint64(len(f.text)) {
		f.broken, f.text = true, ""
		return ""
	}
	text := f.text[:n]
	f.text = f.text[n:]
	return text
}

func (f *facts) list(into []string) []string {
	for n := f.number(); n > 0 && !f.broken; n-- {
		into = append(into, f.one())
	}
	return into
}

// take returns the event. The caller may keep it.
func (f *facts) take() *catalogue.Event {
	e := &f.event
	m := *e.Message
	return &catalogue.Event{
		Message: &m, App: e.App, Kind: e.Kind, Actor: e.Actor, Severity: e.Severity,
		Users: append([]string(nil), e.Users...), Packages: append([]string(nil), e.Packages...),
	}
}

// A nameRows collects the rows of an index of names.
type nameRows struct {
	table  string
	people bool // of message_users, which says more of a name
	values []any
}

// manyNames is the number of names from which on those of one message are inserted as one JSON value: a statement with
// a parameter for each costs twice as much.
const manyNames = 30

// A person is one whom a message is about.
type person struct {
	name            string
	isUser, isActor bool
}

// peopleOf gives the people whom a message is about, its actor first.
func peopleOf(e *catalogue.Event) []person {
	actor := key(e.Actor)
	var people []person
	for i, name := range names(append([]string{e.Actor}, e.Users...)) {
		p := person{name: name, isUser: true}
		if i == 0 && actor != "" {
			p.isActor = true
			p.isUser = slices.ContainsFunc(e.Users, func(user string) bool { return key(user) == actor })
		}
		people = append(people, p)
	}
	return people
}

// addPeople adds the users of a message and its actor.
func (n *nameRows) addPeople(tx *gorm.DB, row *messageRow, e *catalogue.Event) error {
	people := peopleOf(e)
	if len(people) > 0 && people[0].isActor {
		n.values = append(n.values, people[0].name, row.SentAt, row.ID, row.Category, people[0].isUser, true)
		people = people[1:]
	}
	users := make([]string, len(people))
	for i, p := range people {
		users[i] = p.name
	}
	return n.add(tx, row, users)
}

// add adds the names of a message.
func (n *nameRows) add(tx *gorm.DB, row *messageRow, names []string) error {
	if len(names) < manyNames {
		for _, name := range names {
			n.values = append(n.values, name, row.SentAt, row.ID, row.Category)
			if n.people {
				n.values = append(n.values, true, false)
			}
		}
		return nil
	}
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	each := "json_each(?)"
	if isPostgres(tx) {
		each = "json_array_elements_text(CAST(? AS json))"
	}
	return tx.Exec("INSERT INTO "+n.table+" (name, sent_at, message_id, category)"+
		" SELECT value, CAST(? AS bigint), CAST(? AS bigint), CAST(? AS text) FROM "+each, row.SentAt, row.ID, row.Category,
		string(list)).Error
}

func (n *nameRows) insert(tx *gorm.DB) error {
	columns := []string{"name", "sent_at", "message_id", "category"}
	if n.people {
		columns = append(columns, "is_user", "is_actor")
	}
	return insertRows(tx, "INSERT INTO "+n.table+" ("+strings.Join(columns, ", ")+") VALUES ", len(columns), n.values)
}

// insertRows inserts rows of so many columns; values are those of one row after the other.
func insertRows(tx *gorm.DB, statement string, columns int, values []any) error {
	row := tuple(columns)
	for part := range slices.Chunk(values, batch*columns) {
		err := tx.Exec(statement+row+strings.Repeat(", "+row, len(part)/columns-1), part...).Error
		if err != nil {
			return err
		}
	}
	return nil
}
