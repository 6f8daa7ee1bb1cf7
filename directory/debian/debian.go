// Package debian reads who maintains Debian's packages from the Sources index of an archive.
//
//	directory:
//	  debian:
//	    sid:
//	      url: https://deb.debian.org/debian/dists/sid/main/source/Sources.xz
//	      teams: {team+kernel@tracker.debian.org: kernel-team}
//
// The Maintainer of the newest version of a package has the role maintainer, and its Uploaders the role uploader. They
// are mail addresses, which become accounts where another source knows whose they are. Being an uploader is no right to
// upload: whoever has such rights is another question, which the index does not answer.
package debian

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/therootcompany/xz"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// A source is one index.
type source struct {
	client   *fetch.Client
	maxBytes int64
	groups   map[string]string // by address, "" for none
	digest   string            // of the settings that decide what Facts are made of an index
}

// maxPacked bounds a packed index, in bytes.
const maxPacked = 128 << 20

// New opens a source. It connects to nothing. An error begins with the key that is wrong.
func New(s Settings) (directory.Source, error) {
	if err := s.pace().Check(time.Minute, time.Hour); err != nil {
		return nil, err
	}
	if s.MaxBytes < 1<<10 || s.MaxBytes > 4<<30 {
		return nil, fmt.Errorf("max_bytes: %d; between 1 KiB and 4 GiB was expected", s.MaxBytes)
	}
	client, err := fetch.Open(fetch.Settings{URL: s.URL, Login: s.Login, TLS: s.TLS, MaxBytes: min(s.MaxBytes, maxPacked)})
	if err != nil {
		return nil, err
	}
	from := &source{client: client, maxBytes: s.MaxBytes, groups: map[string]string{}}
	for address, group := range s.Teams {
		if !isAddress(address) || group == "" || strings.HasPrefix(group, "@") {
			return nil, fmt.Errorf("teams: %q: %q; a mail address and the name of a group were expected", address, group)
		}
		from.groups[directory.Fold(address)] = "@" + group
	}
	for _, address := range s.Orphaned {
		from.groups[directory.Fold(address)] = ""
	}
	meaning, err := json.Marshal([]any{s.URL, from.groups})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(meaning)
	from.digest = hex.EncodeToString(sum[:8])
	return from, nil
}

// A mark is what a source remembers of a fetch.
type mark struct {
	Meaning string      `json:"meaning"`
	Stamp   fetch.Stamp `json:"stamp"`
}

// Fetch returns who maintains what now.
func (s *source) Fetch(ctx context.Context, last *directory.Facts) (*directory.Facts, error) {
	var before mark
	if last != nil && len(last.Mark) > 0 {
		if err := json.Unmarshal(last.Mark, &before); err != nil || before.Meaning != s.digest {
			before = mark{} // of another version, or of other settings
		}
	}
	answer, err := s.client.Get(ctx, s.client.URL, fetch.Request{Since: before.Stamp})
	if err != nil {
		return nil, err
	}
	if answer.Unchanged {
		return last, nil
	}
	if answer.Stamp.OlderThan(before.Stamp) {
		return nil, fmt.Errorf("the index is older than the last one: %s, and %s before", answer.Stamp.Modified,
			before.Stamp.Modified)
	}
	text, err := unpacked(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("the index cannot be unpacked: %w", err)
	}
	f, err := s.read(&bounded{ctx, text, s.maxBytes})
	if err != nil {
		return nil, err
	}
	f.Clean()
	f.AsOf = answer.Stamp.Time()
	if f.Mark, err = json.Marshal(mark{s.digest, answer.Stamp}); err != nil {
		return nil, err
	}
	return f, nil
}

// maxDictionary bounds what unpacking xz keeps in memory: what `xz -9` asks for.
const maxDictionary = 64 << 20

// unpacked returns a reader of what is packed by gzip or xz, or not at all. What it is the first bytes say.
func unpacked(body []byte) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		return gzip.NewReader(bytes.NewReader(body))
	case bytes.HasPrefix(body, []byte("\xfd7zXZ\x00")):
		return xz.NewReader(bytes.NewReader(body), maxDictionary)
	}
	return bytes.NewReader(body), nil
}

// A bounded reader fails when there is more than it may read, and when its context ends.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errors.New("the index has more than max_bytes")
	}
	return n, err
}

// read makes facts of an index.
func (s *source) read(text io.Reader) (*directory.Facts, error) {
	f := &directory.Facts{Packages: map[string][]directory.Owner{}}
	newest := map[string]string{}
	all, broken := 0, 0
	err := stanzas(text, func(st stanza, wrong error) {
		if all++; wrong != nil || st.pkg == "" || st.version == "" {
			broken++
			return
		}
		if st.extra {
			return // it is there for the sake of other packages' sources
		}
		if before, known := newest[st.pkg]; known && compare(st.version, before) <= 0 {
			return
		}
		newest[st.pkg] = st.version
		f.Packages[st.pkg] = s.owners(st)
	})
	if err != nil {
		return nil, err
	}
	if broken*10 > all {
		return nil, fmt.Errorf("this is no Sources index: %d of %d stanzas have no package and version, or cannot be read",
			broken, all)
	}
	if broken > 0 {
		f.Note(fmt.Sprintf("%d of %d stanzas were left out, which cannot be read", broken, all))
	}
	return f, nil
}

// owners returns who maintains a package: people by their addresses, and teams as groups where they are known.
func (s *source) owners(st stanza) []directory.Owner {
	var owners []directory.Owner
	add := func(role string, all []string) {
		before := len(owners)
		for _, address := range all {
			name := directory.Fold(address)
			if group, is := s.groups[name]; is {
				name = group
			}
			if o := (directory.Owner{Name: name, Role: role}); name != "" && !slices.Contains(owners, o) {
				owners = append(owners, o)
			}
		}
		if len(owners) == before {
			owners = append(owners, directory.Owner{Role: role})
		}
	}
	maintainer := addresses(st.maintainer)
	add("maintainer", maintainer[:min(1, len(maintainer))])
	add("uploader", addresses(st.uploaders))
	return owners
}
