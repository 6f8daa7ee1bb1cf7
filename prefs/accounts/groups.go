package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// SignedIn is what providers have said of the groups of those who signed in.
type SignedIn struct {
	Mark    string              // differs where something may have changed since
	Members map[string][]string // of each group, by their proved names, sorted
}

// SignedInGroups reads the groups of those who signed in, as long as their names are proved and they may be in. Where
// nothing has changed since last, the members are nil.
func SignedInGroups(ctx context.Context, reader *gorm.DB, last string) (SignedIn, error) {
	var s SignedIn
	db := reader.WithContext(ctx)
	// each change of a name, or of who may be in, raises the revision; each sign-in changes used_at
	err := db.Raw(`SELECT CAST((SELECT coalesce(max(value), 0) FROM revisions) AS text) || ' ' ||
		CAST(count(*) AS text) || ' ' || CAST(coalesce(max(used_at), 0) AS text) || ' ' ||
		CAST(coalesce(max(id), 0) AS text) FROM identities`).Scan(&s.Mark).Error
	if err != nil {
		return SignedIn{}, fmt.Errorf("read groups of those who signed in: %w", err)
	}
	if s.Mark == last {
		return s, nil
	}
	rows, err := db.Raw(`SELECT u.name, i.groups FROM identities i JOIN users u ON u.id = i.user_id
		WHERE u.name <> '' AND u.disabled = '' AND u.proof IN ? AND i.groups NOT IN ('', '[]', 'null')`,
		[]Proof{OfDirectory, OfProvider, OfOperator}).Rows()
	if err != nil {
		return SignedIn{}, fmt.Errorf("read groups of those who signed in: %w", err)
	}
	defer rows.Close()
	s.Members = map[string][]string{}
	for rows.Next() {
		var name, list string
		if err := rows.Scan(&name, &list); err != nil {
			return SignedIn{}, err
		}
		var groups []string
		if err := json.Unmarshal([]byte(list), &groups); err != nil {
			return SignedIn{}, fmt.Errorf("read groups of %s: %w", name, err)
		}
		for _, g := range groups {
			s.Members[g] = append(s.Members[g], name)
		}
	}
	for g, members := range s.Members {
		slices.Sort(members)
		s.Members[g] = slices.Compact(members) // of several identities
	}
	return s, rows.Err()
}
