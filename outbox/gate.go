package outbox

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// gate.go asks, for everything that is about to be sent, whether its owner wants it now. A schedule sets a due time
// once, when a delivery is added. Quiet hours, a pause or a mute may begin later, and a retry or a full digest
// may fall into them. All of these are claimed before they are sent, so one question closes every way round.

// A Candidate is a parcel that was claimed and is about to be sent.
type Candidate struct {
	Backend, Destination string
	Notices              []backends.Notice
	Holds                []string   // Delivery.Hold of each
	Reasons              [][]Reason // of each: the filters that matched, by their numbers
	Tried                bool       // before: then it goes whole, or not now
}

// A Ruling is what a Gate says of one notice. The zero Ruling lets it go.
type Ruling struct {
	Until time.Time // it is held until then, and goes in a digest with what else is held; zero: it is not held
	Hold  string    // why: goes into Delivery.Hold
	Drop  string    // why it is never sent, for its owner; "": it is
}

// An Answer is what a Gate says of a Candidate.
type Answer struct {
	Rulings []Ruling // one for each notice; nil: all go
	Free    bool     // the owner holds nothing back at any time: the Gate need not be asked again before Ask is called
}

// A Gate gives an Answer for each of the candidates, in the transaction that claims them. Notices of which nothing can
// be read are zero.
type Gate func(tx *gorm.DB, now time.Time, candidates []Candidate) ([]Answer, error)

// silenced begins the last error of a delivery that a Gate has dropped.
const silenced = "silenced: "

// gate takes out of claims what may not go now. Claims about accounts go in any case, and the Gate is not asked about
// queues that are free.
func (o *Outbox) gate(tx *gorm.DB, claims []claim, free map[int64]bool, now time.Time) ([]claim, error) {
	var candidates []Candidate
	var places []int
	for i, c := range claims {
		if !free[c.rows[0].Queue] && !strings.HasPrefix(c.queue.destination, Account) {
			candidates, places = append(candidates, c.candidate()), append(places, i)
		}
	}
	if o.cfg.Gate == nil || len(candidates) == 0 {
		return claims, nil
	}
	answers, err := o.cfg.Gate(tx, now, candidates)
	if err != nil {
		return nil, fmt.Errorf("ask whether it may go now: %w", err)
	}
	if len(answers) != len(candidates) {
		return nil, fmt.Errorf("bug: %d answers for %d candidates", len(answers), len(candidates))
	}
	var fresh []int64
	for i, answer := range answers {
		c := &claims[places[i]]
		if answer.Free {
			fresh = append(fresh, c.rows[0].Queue)
		}
		if answer.Rulings != nil {
			if c.rows, err = o.obey(tx, c.rows, answer.Rulings, candidates[i].Tried, now); err != nil {
				return nil, err
			}
		}
	}
	claims = slices.DeleteFunc(claims, func(c claim) bool { return len(c.rows) == 0 })
	return claims, setFree(tx, fresh)
}

func setFree(tx *gorm.DB, queues []int64) error {
	for part := range slices.Chunk(queues, chunk) {
		if err := tx.Exec("UPDATE lanes SET free = ? WHERE id IN ?", true, part).Error; err != nil {
			return fmt.Errorf("note that nothing is held back: %w", err)
		}
	}
	return nil
}

// Ask lets the Gate be asked again about destinations, in the caller's transaction: their owner may hold something back
// from now on. Whoever changes what the Gate reads calls it in the same transaction.
func (o *Outbox) Ask(tx *gorm.DB, destinations []string) error {
	for part := range slices.Chunk(destinations, chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return err
		}
		if err := tx.Exec("UPDATE lanes SET free = ? WHERE destination IN ?", false, part).Error; err != nil {
			return fmt.Errorf("ask again: %w", err)
		}
	}
	return nil
}

func (c claim) candidate() Candidate {
	first := c.rows[0]
	made := Candidate{Backend: c.queue.backend, Destination: c.queue.destination,
		Tried: first.Attempts > 0 || first.FailedAt > 0 || c.redelivered}
	for _, r := range c.rows {
		n, _ := r.notice() // one that cannot be read fails later, when it is sent
		made.Notices, made.Holds = append(made.Notices, n), append(made.Holds, r.Hold)
		made.Reasons = append(made.Reasons, r.reasons())
	}
	return made
}

// obey holds and drops rows as they are ruled, and gives the others. Of a parcel that was tried, either all rows are
// held or none: its receiver knows it by its id.
func (o *Outbox) obey(tx *gorm.DB, rows []row, rulings []Ruling, tried bool, now time.Time) ([]row, error) {
	var goes, held []row
	var latest Ruling
	for i, r := range rows {
		switch ruled := rulings[i]; {
		case ruled.Drop != "":
			if err := o.silence(tx, r, ruled.Drop); err != nil {
				return nil, err
			}
		case ruled.Until.After(now):
			held = append(held, r)
			if ruled.Until.After(latest.Until) {
				latest = ruled
			}
		default:
			goes = append(goes, r)
		}
	}
	if len(held) == 0 {
		return goes, nil
	}
	if tried {
		held, goes = slices.Concat(held, goes), nil
	}
	return goes, hold(tx, held, latest, tried)
}

// hold gives rows back until a time. What was never tried goes together with what else waits then.
func hold(tx *gorm.DB, rows []row, ruled Ruling, tried bool) error {
	var ids []int64
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	change := "together = true, parcel = '', "
	if tried {
		change = ""
	}
	err := tx.Exec("UPDATE deliveries SET "+change+"state = ?, due_at = ?, hold = ? WHERE id IN ?",
		Waiting, stamp(ruled.Until), ruled.Hold, ids).Error
	if err != nil {
		return fmt.Errorf("hold deliveries: %w", err)
	}
	return nil
}

func (o *Outbox) silence(tx *gorm.DB, r row, why string) error {
	err := tx.Exec("UPDATE deliveries SET state = ?, settled_at = ?, last_error = ? WHERE id = ?", Dead, stamp(o.now()),
		silencedBy(why), r.ID).Error
	if err != nil {
		return fmt.Errorf("silence delivery: %w", err)
	}
	return nil
}

func silencedBy(why string) string { return text.ElideBytes(silenced+text.Storable(why), maxReason) }

// Sift asks of everything that waits for destinations why it is not wanted any more, "" where it is, and makes that
// dead which is not, in the caller's transaction. It gives how many notices that were. What is being sent now still
// goes; a Gate that says the same keeps it from being tried again.
func (o *Outbox) Sift(tx *gorm.DB, destinations []string,
	why func(*backends.Notice, []Reason) string) (n int, err error) {
	for part := range slices.Chunk(destinations, chunk) {
		if err := o.lockQueuesOf(tx, part); err != nil {
			return 0, err
		}
		for last := int64(0); ; {
			rows, err := readRows(tx, `WHERE lane IN (SELECT id FROM lanes WHERE destination IN ?) AND state = ?
				AND settled_at = 0 AND id > ? ORDER BY id LIMIT ?`, part, Waiting, last, maxPage)
			if err == nil {
				err = o.explain(tx, rows)
			}
			if err != nil {
				return 0, fmt.Errorf("read what waits: %w", err)
			}
			for _, r := range rows {
				notice, _ := r.notice() // the zero Notice where it cannot be read
				if words := why(&notice, r.reasons()); words != "" {
					if err := o.silence(tx, r, words); err != nil {
						return 0, err
					}
					n++
				}
				last = r.ID
			}
			if len(rows) < maxPage {
				break
			}
		}
	}
	return n, nil
}

// Restore makes what was silenced for a reason wait again as it did, in the caller's transaction, and gives its number.
// why is the beginning of the reason. Call Notify after the commit.
func (o *Outbox) Restore(tx *gorm.DB, destinations []string, why string) (n int, err error) {
	if why == "" {
		return 0, nil
	}
	literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(silenced + text.Storable(why))
	for part := range slices.Chunk(destinations, chunk) {
		queues, err := o.lockQueuesAt(tx, part)
		if err != nil {
			return 0, err
		}
		for _, q := range queues {
			done := tx.Exec(`UPDATE deliveries SET state = ?, settled_at = 0, last_error = ''
				WHERE lane = ? AND state = ? AND last_error LIKE ? ESCAPE '\'`, Waiting, q.ID, Dead, literal+"%")
			if done.Error != nil {
				return 0, fmt.Errorf("restore deliveries: %w", done.Error)
			}
			if done.RowsAffected > 0 {
				n += int(done.RowsAffected)
				q.ready(stamp(o.shared())) // who claims it looks what is due
			}
		}
		if err := saveQueues(tx, queues); err != nil {
			return 0, err
		}
	}
	return n, nil
}
