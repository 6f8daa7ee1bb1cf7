package history

import (
	"encoding/json"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A nameRows collects the rows of an index of names.
type nameRows struct {
	table  string
	people bool // of message_users, which says more of a name
	values []any
}

// manyNames is the number of names from which on those of one message are inserted as one JSON value: a statement with
// a parameter for each costs twice as much.
const manyNames = 30

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
		n.values = append(n.values, people[0].name, row.SentAt, row.ID, people[0].isUser, true)
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
			n.values = append(n.values, name, row.SentAt, row.ID)
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
	if tx.Name() == "postgres" {
		each = "json_array_elements_text(CAST(? AS json))"
	}
	return tx.Exec("INSERT INTO "+n.table+" (name, sent_at, message_id)"+
		" SELECT value, CAST(? AS bigint), CAST(? AS bigint) FROM "+each, row.SentAt, row.ID, string(list)).Error
}

func (n *nameRows) insert(tx *gorm.DB) error {
	columns := []string{"name", "sent_at", "message_id"}
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
