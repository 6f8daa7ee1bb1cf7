package nodes

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A Fact is what a node says of itself. It says so again and again, since it may be killed at any time.
type Fact struct {
	Node, Kind, Name, Value string
	Age                     time.Duration // since it was said last
}

// The kinds of facts.
const (
	endpointFact = "endpoint" // of an endpoint that the node runs: up or down
	fileFact     = "file"     // of a file: the digest of its bytes
)

const (
	saidEvery = 15 * time.Second
	fresh     = 45 * time.Second // older ones are not true any more
	forgotten = 5 * time.Minute  // and are deleted
)

// tell stores all facts of a kind that this node says, in place of those that it has said before.
func tell(tx *gorm.DB, node, kind string, facts map[string]string) error {
	names := []string{""}
	var rows []factRow
	for name, value := range facts {
		names = append(names, name)
		rows = append(rows, factRow{Node: node, Kind: kind, Name: name, Value: value})
	}
	err := tx.Where("node = ? AND kind = ? AND name NOT IN ?", node, kind, names).Delete(&factRow{}).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	var at int64
	if err := tx.Raw("SELECT " + now).Scan(&at).Error; err != nil {
		return err
	}
	for i := range rows {
		rows[i].SeenAt = at
	}
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(rows, 200).Error
}

// facts gives what all nodes say of a kind, and forgets what nobody says any more.
func facts(ctx context.Context, db *gorm.DB, kind string) ([]Fact, error) {
	var rows []factRow
	read := db.WithContext(ctx)
	err := read.Exec("DELETE FROM node_facts WHERE seen_at < "+now+" - ?", forgotten.Microseconds()).Error
	if err == nil {
		err = read.Raw("SELECT node, kind, name, value, "+now+" - seen_at AS seen_at FROM node_facts WHERE kind = ?"+
			" ORDER BY node, name", kind).Scan(&rows).Error
	}
	if err != nil {
		return nil, fmt.Errorf("read what nodes say: %w", err)
	}
	all := make([]Fact, len(rows))
	for i, r := range rows {
		all[i] = Fact{r.Node, r.Kind, r.Name, r.Value, time.Duration(r.SeenAt) * time.Microsecond}
	}
	return all, nil
}
