package httpjson

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// A source asks one URL, or what lies below it.
type source struct {
	Settings
	client  *fetch.Client
	shape   shape
	mapping *mapping // nil where the shape is built in
	digest  string   // of the settings that decide what Facts are made of an answer
}

// New opens a source. It connects to nothing.
func New(s Settings) (directory.Source, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	settings := fetch.Settings{URL: s.URL, Login: s.Login, TLS: s.TLS, MaxBytes: s.MaxBytes}
	client, err := fetch.Open(settings)
	if err != nil {
		return nil, err
	}
	from := &source{Settings: s, client: client, shape: shapes[s.Shape]}
	if from.mapping, err = s.compile(); err != nil {
		return nil, err
	}
	meaning, err := json.Marshal([]any{s.Shape, s.URL, s.Role, s.Namespaces, s.Servers, s.Groups, s.Pages, s.Next, s.Map})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(meaning)
	from.digest = hex.EncodeToString(sum[:8])
	return from, nil
}

// A mark is what a source remembers of a fetch.
type mark struct {
	Meaning string      `json:"meaning"` // source.digest: other settings make other Facts of the same answer
	Stamp   fetch.Stamp `json:"stamp"`
}

// Fetch returns what the server says now.
func (s *source) Fetch(ctx context.Context, last *directory.Facts) (*directory.Facts, error) {
	var before mark
	if last != nil && len(last.Mark) > 0 {
		if err := json.Unmarshal(last.Mark, &before); err != nil || before.Meaning != s.digest {
			before = mark{} // of another version, or of other settings
		}
	}
	f, stamp, err := s.shape.fetch(s, ctx, request{last: last, since: before.Stamp})
	if errors.Is(err, errUnchanged) {
		return last, nil
	}
	if err != nil {
		return nil, err
	}
	if stamp.OlderThan(before.Stamp) {
		return nil, fmt.Errorf("the answer is older than the last one: %s, and %s before", stamp.Modified,
			before.Stamp.Modified)
	}
	f.Clean()
	f.AsOf = stamp.Time()
	if f.Mark, err = json.Marshal(mark{s.digest, stamp}); err != nil {
		return nil, err
	}
	return f, nil
}

// A request is one Fetch.
type request struct {
	last  *directory.Facts
	since fetch.Stamp // the zero Stamp where all is wanted
}

// errUnchanged is the error when the server says that nothing has changed.
var errUnchanged = errors.New("nothing has changed")

// maxPages bounds the pages of one answer.
const maxPages = 10_000

// pages fetches the pages of a list that names the next one itself, and reads each.
func (s *source) pages(ctx context.Context, r request, read func(page []byte) (next string, err error)) (fetch.Stamp,
	error) {
	var stamp fetch.Stamp
	seen := map[string]bool{}
	for u := s.client.URL; u != nil; {
		if seen[u.String()] {
			return stamp, errors.New("the pages go round in a ring")
		}
		if seen[u.String()] = true; len(seen) > maxPages {
			return stamp, fmt.Errorf("there are more than %d pages", maxPages)
		}
		ask := fetch.Request{Accept: "application/json"}
		if s.Pages == pagesNone {
			ask.Since = r.since
		}
		answer, err := s.client.Get(ctx, u, ask)
		if err != nil {
			return stamp, err
		}
		if answer.Unchanged {
			return stamp, errUnchanged
		}
		if s.Pages == pagesNone {
			stamp = answer.Stamp
		}
		next, err := read(answer.Body)
		if err != nil {
			return stamp, err
		}
		if s.Pages == pagesByLink {
			next = answer.Next
		}
		if u, err = s.following(u, next); err != nil {
			return stamp, err
		}
	}
	return stamp, nil
}

// following returns the URL of the next page, nil where there is none.
func (s *source) following(at *url.URL, next string) (*url.URL, error) {
	if next == "" || s.Pages != pagesByLink && s.Pages != pagesByNext {
		return nil, nil
	}
	return s.client.Next(at, next)
}

// decode reads JSON. Its error says what came instead.
func decode(page []byte, into any) error {
	err := json.Unmarshal(page, into)
	if err == nil {
		return nil
	}
	if len(page) > 0 && page[0] == '<' {
		return errors.New("the answer is no JSON, but looks like HTML: is a login needed?")
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("the answer has another shape: %s where %s was expected, at byte %d", kind.Value, kind.Type,
			kind.Offset)
	}
	return fmt.Errorf("the answer of %d bytes is no JSON: %w", len(page), err)
}
