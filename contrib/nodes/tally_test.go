package nodes_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

// lateAfter is how long a notice may be owed.
const lateAfter = 15 * time.Second

// An arrival is a notice that has come, once: the id of its mail ("" on IRC), and when.
type arrival struct {
	id string
	at time.Time
}

// A ledger is what one person got: by the number of the message, all arrivals in their order.
type ledger map[int][]arrival

// A medium is what came of one way of being told.
type medium struct {
	owed, delivered  int
	lost             []int         // committed and never delivered
	sameID, otherID  int           // arrivals beyond the first, with the id of the first and with another
	late             int           // after more than it may take
	longest, silence time.Duration // from the commit to the first arrival; without an arrival
}

// A tally is what came of a row.
type tally struct {
	published, again    int
	committed           map[int]time.Time
	uncommitted         []int
	queued              int           // longer than it may be in the queue of the broker
	longest, silence    time.Duration // from the confirmation to the commit; without a commit
	mail, digest, lines medium
	speakers            []string // the hosts that spoke on IRC, in turn
}

// commits reads when each message was committed. If the primary is not there, there is an error.
func commits(t testing.TB, db *sql.DB) (map[int]time.Time, error) {
	rows, err := db.QueryContext(t.Context(), `SELECT msg_id, pg_xact_commit_timestamp(xmin) FROM messages
		WHERE msg_id LIKE 'nodes-%'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int]time.Time{}
	for rows.Next() {
		var id string
		var at time.Time
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		var n int
		if _, err := fmt.Sscanf(id, "nodes-%d", &n); err != nil {
			return nil, fmt.Errorf("a message has the id %s", id)
		}
		all[n] = at
	}
	return all, rows.Err()
}

// mails sorts what the mail server got by person.
func mails(t testing.TB, s *fakesmtp.Server) map[string]ledger {
	t.Helper()
	people := map[string]ledger{}
	for _, m := range s.Messages() {
		parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
		if err != nil {
			t.Fatalf("a mail cannot be read: %v", err)
		}
		a := arrival{parsed.Header.Get("Message-Id"), m.Received}
		text := bytes.ReplaceAll(m.Data, []byte("=\r\n"), nil)
		for _, to := range m.To {
			if people[to] == nil {
				people[to] = ledger{}
			}
			for _, n := range numbers(text) {
				people[to][n] = append(people[to][n], a)
			}
		}
	}
	return people
}

// newTally counts what has come so far.
func newTally(t testing.TB, w *world, published int, committed map[int]time.Time) *tally {
	t.Helper()
	s := &tally{published: published, again: w.publisher.again, committed: committed}
	for n := range published {
		at, ok := committed[n]
		if !ok {
			s.uncommitted = append(s.uncommitted, n)
			continue
		}
		took := at.Sub(w.publisher.confirmed[n])
		s.longest = max(s.longest, took)
		if took > lateAfter {
			s.queued++
		}
	}
	s.silence = longestPause(slices.Collect(maps.Values(committed)))
	people := mails(t, w.mail)
	for n := range mailPeople {
		s.mail.add(committed, people[mailAddress(n)], lateAfter)
	}
	if *chosen != "" {
		s.digest.add(committed, people[digester], lateAfter+digestAfter)
	}
	chatted := ledger{}
	for _, l := range w.chat.said() {
		chatted[l.number] = append(chatted[l.number], arrival{"", l.at})
		if len(s.speakers) == 0 || s.speakers[len(s.speakers)-1] != l.host {
			s.speakers = append(s.speakers, l.host)
		}
	}
	s.lines.add(committed, chatted, lateAfter)
	return s
}

// add counts what one person got of what was committed.
func (m *medium) add(committed map[int]time.Time, got ledger, most time.Duration) {
	var firsts []time.Time
	for n, at := range committed {
		m.owed++
		copies := got[n]
		if len(copies) == 0 {
			m.lost = append(m.lost, n)
			continue
		}
		m.delivered++
		for _, c := range copies[1:] {
			if c.id == copies[0].id {
				m.sameID++
			} else {
				m.otherID++
			}
		}
		took := copies[0].at.Sub(at)
		if took > most {
			m.late++
		}
		m.longest = max(m.longest, took)
		firsts = append(firsts, copies[0].at)
	}
	m.silence = max(m.silence, longestPause(firsts))
}

// longestPause is the longest time between two neighbours.
func longestPause(times []time.Time) (longest time.Duration) {
	slices.SortFunc(times, time.Time.Compare)
	for i := 1; i < len(times); i++ {
		longest = max(longest, times[i].Sub(times[i-1]))
	}
	return longest
}

// missing is how many commits and notices are lost.
func (s *tally) missing() int {
	return len(s.uncommitted) + len(s.mail.lost) + len(s.digest.lost) + len(s.lines.lost)
}

// late is how many messages and notices came later than they may.
func (s *tally) late() int { return s.queued + s.mail.late + s.digest.late + s.lines.late }

// whole reports whether everything published is committed, and everybody has everything.
func (s *tally) whole() bool {
	return s.missing() == 0
}
