package prefs

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
)

// streamPage is the number of filters that one statement of Stream reads. It bounds the memory, and how long a
// statement holds its snapshot of the database.
const streamPage = 4096

const streamed = "SELECT f.id, u.id, u.name, u.proof, f.rules FROM filters f JOIN users u ON u.id = f.user_id " +
	"WHERE f.is_on AND f.expensive = 0 AND u.disabled = '' AND "

// Stream returns every filter that is on and not too expensive, in the order of ids, without its name. Filters whose
// rules cannot be read are left out, and those that say @me where it stands for nobody. Filters may share their rules:
// the caller must not change them. Stream reads page by page, so a filter that changes in between may be the old or the
// new one. Read the Revision first; then Changes since that revision names the filters that may be old.
//
// The owner of each filter is what @me stands for, or a text that is no name, and another one for each user.
func (s *Subscriptions) Stream(ctx context.Context) iter.Seq2[rulespec.Filter, error] {
	return func(yield func(rulespec.Filter, error) bool) {
		reader := s.newFilterReader()
		for last := rulespec.FilterID(0); ; {
			page, err := reader.read(s.read(ctx).Raw(streamed+"f.id > ? ORDER BY f.id LIMIT ?", last, streamPage))
			if err != nil {
				yield(rulespec.Filter{}, fmt.Errorf("read filters after %d: %w", last, err))
				return
			}
			for _, f := range page {
				if f.Rules != nil && !yield(f, nil) {
					return
				}
			}
			if len(page) < streamPage {
				return
			}
			last = page[len(page)-1].ID
		}
	}
}

// FiltersOn returns those of the filters that Stream would return, as they are in tx. Call it with the filters that
// Changes names.
func (s *Subscriptions) FiltersOn(tx *gorm.DB, ids []rulespec.FilterID) ([]rulespec.Filter, error) {
	var all []rulespec.Filter
	reader := s.newFilterReader()
	for part := range slices.Chunk(ids, inStatement) {
		page, err := reader.read(tx.Raw(streamed+"f.id IN ?", part))
		if err != nil {
			return nil, fmt.Errorf("read changed filters: %w", err)
		}
		all = append(all, page...)
	}
	return slices.DeleteFunc(all, func(f rulespec.Filter) bool { return f.Rules == nil }), nil
}

// A filterReader reads filters in bulk. It parses rules that many filters share only once.
type filterReader struct {
	me    func(User) string
	known map[string]rulespec.Rule // by their text
	page  []rulespec.Filter
}

// maxKnownRules bounds the rules that a filterReader remembers.
const maxKnownRules = 1 << 16

func (s *Subscriptions) newFilterReader() *filterReader {
	return &filterReader{me: s.me, known: map[string]rulespec.Rule{}}
}

// read returns the filters of a query; rules that cannot be read are nil. The slice is valid until the next call.
func (r *filterReader) read(query *gorm.DB) ([]rulespec.Filter, error) {
	rows, err := query.Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	r.page = r.page[:0]
	var text string
	for rows.Next() {
		var f rulespec.Filter
		var owner User
		if err := rows.Scan(&f.ID, &owner.ID, &owner.Name, &owner.Proof, &text); err != nil {
			return nil, err
		}
		f.Rules = r.rules(text)
		if f.Owner = r.me(owner); f.Owner == "" {
			f.Owner = nobody(owner.ID)
			if rulespec.SaysMe(f.Rules) {
				f.Rules = nil
			}
		}
		r.page = append(r.page, f)
	}
	return r.page, rows.Err()
}

// nobody returns what tells a user whose name is not proved from all others. No name has the sign #.
func nobody(id uint) string { return "#" + strconv.FormatUint(uint64(id), 10) }

// rules parses the text of a filter's rules; nil where it cannot be read or is empty.
func (r *filterReader) rules(text string) []rulespec.Rule {
	parts := splitRules(text)
	rules := make([]rulespec.Rule, len(parts))
	for i, part := range parts {
		known := false
		if rules[i], known = r.rule(part); !known {
			parts = nil
			break
		}
	}
	if len(parts) > 0 {
		return rules
	}
	rules, err := rulespec.UnmarshalRules(text) // it has another form, or is wrong
	if err != nil || len(rules) == 0 {
		return nil
	}
	return rules
}

func (r *filterReader) rule(text string) (rulespec.Rule, bool) {
	if rule, known := r.known[text]; known {
		return rule, true
	}
	one, err := rulespec.UnmarshalRules("[" + text + "]")
	if err != nil || len(one) != 1 {
		return rulespec.Rule{}, false
	}
	if len(r.known) >= maxKnownRules {
		clear(r.known)
	}
	r.known[strings.Clone(text)] = one[0]
	return one[0], true
}

// splitRules splits a list, as rulespec.MarshalRules writes it, into the texts of its rules; nil where it has another
// form. It does not check that each text is a rule.
func splitRules(text string) (parts []string) {
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' {
		return nil
	}
	depth, begin, quoted := 0, 1, false
	for i := 1; i < len(text)-1; i++ {
		switch c := text[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 0:
			parts, begin = append(parts, text[begin:i]), i+1
		}
	}
	return append(parts, text[begin:len(text)-1])
}
