package fmn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

// A preference is what classic FMN exported for one medium of one person. What is not named here says nothing about
// filters: when things were made, and texts for pages.
type preference struct {
	BatchDelta       *float64 `json:"batch_delta"` // seconds
	BatchCount       *float64 `json:"batch_count"`
	MarkupMessages   bool     `json:"markup_messages"`
	TriggeredByLinks *bool    `json:"triggered_by_links"`
	ShortenLinks     bool     `json:"shorten_links"`
	Verbose          *bool    `json:"verbose"`
	Enabled          *bool    `json:"enabled"`
	Context          struct {
		Name       string `json:"name"`
		DetailName string `json:"detail_name"`
	} `json:"context"`
	User struct {
		OpenID string `json:"openid"`
	} `json:"user"`
	DetailValues []string        `json:"detail_values"`
	Filters      []classicFilter `json:"filters"`
}

// A classicFilter holds when all its rules do.
type classicFilter struct {
	ID      json.Number   `json:"id"`
	Name    string        `json:"name"`
	OneShot bool          `json:"oneshot"`
	Active  *bool         `json:"active"` // FMN exported only those that were
	Rules   []classicRule `json:"rules"`
}

// A classicRule names a function of FMN, with its arguments.
type classicRule struct {
	CodePath  string         `json:"code_path"`
	Arguments map[string]any `json:"arguments"`
	Negated   bool           `json:"negated"`
}

// nick is the account's name in the host-like identity of FMN: alice in alice.id.fedoraproject.org.
func (p *preference) nick() string {
	nick, _, _ := strings.Cut(p.User.OpenID, ".id.")
	return nick
}

// readExport tells the two forms apart and reads a single object or a list of them.
func readExport(export []byte) ([]preference, []trackedRule, error) {
	export = bytes.TrimPrefix(export, []byte("\xef\xbb\xbf"))
	items, err := itemsOf(export)
	if err != nil {
		return nil, nil, err
	}
	if len(items) > maxWhole {
		return nil, nil, fmt.Errorf("%w: it has %d entries; at most %d are read", ErrExport, len(items), maxWhole)
	}
	var preferences []preference
	var tracked []trackedRule
	for i, item := range items {
		switch form := formOf(item); form {
		case formClassic:
			var p preference
			if err := decode(item, &p); err != nil {
				return nil, nil, fmt.Errorf("%w: entry %d: %v", ErrExport, i+1, err)
			}
			preferences = append(preferences, p)
		case formTracked:
			var r trackedRule
			if err := decode(item, &r); err != nil {
				return nil, nil, fmt.Errorf("%w: entry %d: %v", ErrExport, i+1, err)
			}
			tracked = append(tracked, r)
		default:
			return nil, nil, fmt.Errorf("%w: entry %d has neither a `context` with `filters` nor a `tracking_rule`",
				ErrExport, i+1)
		}
	}
	return preferences, tracked, bounds(preferences, tracked)
}

// bounds holds an export to its bounds before any work is done on it.
func bounds(preferences []preference, tracked []trackedRule) error {
	rules, filters := 0, 0
	for _, p := range preferences {
		filters += len(p.Filters)
		for _, f := range p.Filters {
			rules += len(f.Rules)
		}
		if len(p.DetailValues) > maxMedia {
			return fmt.Errorf("%w: a medium has %d addresses; at most %d are read", ErrExport, len(p.DetailValues), maxMedia)
		}
	}
	for _, r := range tracked {
		filters += len(r.Generations)
		for _, g := range r.Generations {
			rules += len(g.Destinations)
		}
	}
	if len(preferences) > maxMedia || rules > maxWhole || filters > rulespec.MaxFilters {
		return fmt.Errorf("%w that can be read: it has %d media, %d filters and %d rules; at most %d, %d and %d are read",
			ErrExport, len(preferences), filters, rules, maxMedia, rulespec.MaxFilters, maxWhole)
	}
	return nil
}

// itemsOf gives the entries of a list, or the one object as the only entry.
func itemsOf(export []byte) ([]json.RawMessage, error) {
	var items []json.RawMessage
	trimmed := bytes.TrimSpace(export)
	if len(trimmed) > 0 && trimmed[0] == '[' {
		if err := decode(export, &items); err != nil {
			return nil, fmt.Errorf("%w: %v", ErrExport, err)
		}
		return items, nil
	}
	var one json.RawMessage
	if err := decode(export, &one); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrExport, err)
	}
	return []json.RawMessage{one}, nil
}

const (
	formClassic = "classic"
	formTracked = "tracked"
)

// formOf tells which FMN made an entry by the fields that only one of them has.
func formOf(item json.RawMessage) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(item, &fields) != nil {
		return ""
	}
	if _, ok := fields["tracking_rule"]; ok {
		return formTracked
	}
	if _, ok := fields["filters"]; ok && fields["context"] != nil {
		return formClassic
	}
	return ""
}

// decode reads one JSON value and nothing after it.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w (byte %d)", err, d.InputOffset())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("something follows the JSON (byte %d)", d.InputOffset())
	}
	return nil
}
