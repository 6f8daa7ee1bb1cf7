package revisions

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/rulespec"
)

// mostKnown bounds the revisions that an Explainer remembers. They never change.
const mostKnown = 50_000

// An Explainer says why somebody gets a notice. It is safe for concurrent use.
type Explainer struct {
	// Sentence puts the rules of a filter into words, for a revision whose sentence was never noted.
	Sentence func(owner Owner, name, rules string) string

	mu    sync.Mutex
	known map[int64]explained
}

// An Owner is whose filter it is.
type Owner struct {
	ID          uint
	Name, Proof string
}

// An explained is what is remembered of a revision.
type explained struct {
	filter         uint64
	name, sentence string
}

// Explain says what reasons stand for, with the links that signer makes: see outbox.Config. It takes one statement for
// all that it does not remember.
func (e *Explainer) Explain(tx *gorm.DB, asked []outbox.Unexplained, signer *links.Signer) ([]outbox.Explained, error) {
	of, err := e.read(tx, asked)
	if err != nil {
		return nil, err
	}
	answers := make([]outbox.Explained, len(asked))
	for i, a := range asked {
		id, err := strconv.ParseUint(a.Destination, 10, 63)
		if err != nil {
			continue
		}
		answers[i].Manage = signer.Manage(uint(id))
		for _, r := range a.Reasons {
			if said, ok := of[r.Revision]; ok {
				answers[i].Why = append(answers[i].Why, said.reason(signer, uint(id)))
			}
		}
	}
	return answers, nil
}

func (e explained) reason(signer *links.Signer, destination uint) backends.Reason {
	why := backends.Reason{Filter: e.name, Sentence: e.sentence}
	if e.filter > 0 {
		why.Link = signer.Filter(rulespec.FilterID(e.filter))
		why.Stop = signer.Unsubscribe(rulespec.FilterID(e.filter), destination)
	}
	return why
}

// read gives the revisions that are asked about.
func (e *Explainer) read(tx *gorm.DB, asked []outbox.Unexplained) (map[int64]explained, error) {
	of, missing := map[int64]explained{}, map[int64]bool{}
	e.mu.Lock()
	for _, a := range asked {
		for _, r := range a.Reasons {
			if said, ok := e.known[r.Revision]; ok {
				of[r.Revision] = said
			} else if r.Revision > 0 {
				missing[r.Revision] = true
			}
		}
	}
	e.mu.Unlock()
	for part := range slices.Chunk(slices.Sorted(maps.Keys(missing)), inStatement) {
		if err := e.find(tx, part, of); err != nil {
			return nil, err
		}
	}
	return of, nil
}

func (e *Explainer) find(tx *gorm.DB, ids []int64, of map[int64]explained) error {
	var found []struct {
		ID                    int64
		FilterID, UserID      uint64
		Name, Rules, Sentence string
		Owner, Proof          string
	}
	err := tx.Raw(`SELECT r.id, r.filter_id, r.user_id, r.name, r.rules, r.sentence, COALESCE(u.name, '') AS owner,
		COALESCE(u.proof, '') AS proof FROM filter_revisions r LEFT JOIN users u ON u.id = r.user_id WHERE r.id IN ?`, ids).
		Scan(&found).Error
	if err != nil {
		return fmt.Errorf("read what filters said: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known == nil || len(e.known) > mostKnown {
		e.known = map[int64]explained{}
	}
	for _, f := range found {
		said := explained{f.FilterID, f.Name, f.Sentence}
		if said.sentence == "" && f.Rules != "" {
			said.sentence = e.Sentence(Owner{uint(f.UserID), f.Owner, f.Proof}, f.Name, f.Rules)
		} else {
			e.known[f.ID] = said
		}
		of[f.ID] = said
	}
	return nil
}
