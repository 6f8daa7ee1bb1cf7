package daemon

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// snapshots keeps the index in a file, so that a restart need not compile every filter again. The file begins with a
// line that describes the origin of the index. The snapshot of package rules follows, and its key is the digest of
// that line. Only the router's goroutine uses it, except that write runs in a goroutine of its own.
type snapshots struct {
	path          string
	program       string // a snapshot of another program is not read
	database      string // or database
	subscriptions *prefs.Subscriptions
	now           func() time.Time
	log           *slog.Logger

	saved   origin // the origin of the index in the file
	last    time.Time
	writing atomic.Bool
	writers sync.WaitGroup
}

// An origin is the state that a snapshot was made from. Changed is the time of the revision: after a backup was
// restored the same number may mean another revision.
type origin struct {
	Program  string
	Database string
	Revision int64
	Changed  int64
	Kinds    string // digest of the kinds of message that filters may name
}

// A heading is the first line of the file.
type heading struct {
	origin
	Broken []rulespec.FilterID // that the index does not have
}

const (
	snapshotEvery = 5 * time.Minute // between two snapshots of a daemon that runs
	maxHeading    = 16 << 20        // bytes
)

// kindsOfCatalogue returns a digest of the names of c's kinds.
func kindsOfCatalogue(c *catalogue.Catalogue) string {
	var names []string
	for _, k := range c.Kinds() {
		names = append(names, k.Kind)
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(names), "\n")))
	return hex.EncodeToString(sum[:])
}

// thisProgram returns a text that differs between builds of the program, also between builds without a version.
func thisProgram(version string) string {
	name := version
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			name += fmt.Sprint(" ", info.Size(), " ", info.ModTime().UnixNano())
		}
	}
	return name
}

// origin returns the origin of an index. Its Changed is 0 where the log of changes has no time.
func (s *snapshots) origin(ctx context.Context, revision int64, c *catalogue.Catalogue) (origin, error) {
	changed, err := s.subscriptions.RevisionTime(ctx, revision)
	return origin{s.program, s.database, revision, changed, kindsOfCatalogue(c)}, err
}

// read returns the index of the file as it was at a revision that the log of changes reaches back to. A fault of the
// file loses nothing, since the store has everything: the error is the reason why the file was not used.
func (s *snapshots) read(ctx context.Context, env rulespec.Env, c *catalogue.Catalogue) (*rules.Index, heading, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return nil, heading{}, err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 1<<16)
	line, head, err := readHeading(r)
	if err != nil {
		return nil, heading{}, err
	}
	now, err := s.origin(ctx, head.Revision, c)
	if err != nil {
		return nil, heading{}, err
	}
	if head.origin != now || now.Changed == 0 {
		return nil, heading{}, fmt.Errorf("it was made of something else: %w", rules.ErrStale)
	}
	revision, err := s.subscriptions.Revision(ctx, nil)
	if err != nil {
		return nil, heading{}, err
	}
	if _, whole, err := s.subscriptions.Changes(nil, head.Revision, revision); err != nil || !whole {
		return nil, heading{}, errors.Join(err, fmt.Errorf("it is too old, revision %d of %d: %w", head.Revision, revision,
			rules.ErrStale))
	}
	index, err := rules.ReadSnapshot(env, r, digest(line))
	if err != nil {
		return nil, heading{}, err
	}
	s.saved = head.origin
	return index, head, nil
}

// readHeading reads the first line.
func readHeading(r *bufio.Reader) (line []byte, head heading, err error) {
	for end := false; !end; {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if end = err == nil; !end && (!errors.Is(err, bufio.ErrBufferFull) || len(line) > maxHeading) {
			return nil, heading{}, fmt.Errorf("read heading: %w", err)
		}
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, heading{}, fmt.Errorf("read heading: %w", err)
	}
	return line, head, nil
}

func digest(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// keep writes the index from time to time if it has changed; it does not wait for that.
func (s *snapshots) keep(ctx context.Context, b *indexState) {
	if s == nil || !s.due(b) || s.now().Sub(s.last) < snapshotEvery || !s.writing.CompareAndSwap(false, true) {
		return
	}
	shot := s.take(b)
	s.writers.Go(func() {
		defer s.writing.Store(false)
		s.write(ctx, shot)
	})
}

// end writes the changes since the last snapshot, and waits until the file is written or ctx ends.
func (s *snapshots) end(ctx context.Context, b *indexState) {
	if s == nil {
		return
	}
	s.writers.Wait()
	if s.due(b) {
		s.write(ctx, s.take(b))
	}
}

// due reports whether an index differs from that in the file.
func (s *snapshots) due(b *indexState) bool {
	return b != nil && (b.revision != s.saved.Revision || b.kinds != s.saved.Kinds)
}

// A snapshotJob is one snapshot to write. The index may change while it is written: later changes are in the log of
// changes, and are applied when the snapshot is read.
type snapshotJob struct {
	index     *rules.Index
	revision  int64
	catalogue *catalogue.Catalogue
	broken    []rulespec.FilterID
}

func (s *snapshots) take(b *indexState) snapshotJob {
	s.saved.Revision, s.saved.Kinds, s.last = b.revision, b.kinds, s.now()
	return snapshotJob{b.index, b.revision, b.catalogue, slices.Sorted(maps.Keys(b.broken))}
}

// write replaces the snapshot. The old one stays until the new one is on the disk.
func (s *snapshots) write(ctx context.Context, from snapshotJob) {
	start := s.now()
	made, err := s.origin(ctx, from.revision, from.catalogue)
	if err == nil && made.Changed == 0 {
		return // nothing was ever changed, or the log has no time for it: no start would use the file
	}
	if err == nil {
		err = s.writeFile(ctx, heading{made, from.broken}, from.index)
	}
	if err != nil {
		s.log.Warn("cannot write the snapshot of the filters; a restart will read them from the database", "path", s.path,
			"error", err)
		return
	}
	s.log.Info("wrote a snapshot of the filters", "filters", from.index.Len(), "revision", from.revision, "took",
		s.now().Sub(start).Round(time.Millisecond))
}

func (s *snapshots) writeFile(ctx context.Context, head heading, index *rules.Index) error {
	line, err := json.Marshal(head)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if len(line) > maxHeading {
		return errors.New("too many filters are broken")
	}
	file, err := os.OpenFile(s.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := writeAll(untilDone{ctx, file}, line, index); err != nil {
		return errors.Join(err, file.Close(), os.Remove(s.path+".new"))
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(s.path+".new", s.path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func writeAll(to io.Writer, line []byte, index *rules.Index) error {
	w := bufio.NewWriterSize(to, 1<<20)
	if _, err := w.Write(line); err != nil {
		return err
	}
	if err := index.WriteSnapshot(w, digest(line)); err != nil {
		return err
	}
	return w.Flush()
}

// untilDone is a writer that fails once ctx has ended, since a stop has a limited time.
type untilDone struct {
	ctx context.Context
	to  io.Writer
}

func (w untilDone) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.to.Write(p)
}

// restore returns the index that the file holds. If it returns nil, the caller must read the store; the log has the
// reason.
func (s *snapshots) restore(ctx context.Context, current *view) *indexState {
	if s == nil {
		return nil
	}
	start := s.now()
	index, head, err := s.read(ctx, current.env(), current.loaded)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.log.Info("there is no snapshot of the filters yet", "path", s.path)
		return nil
	case errors.Is(err, rules.ErrStale):
		s.log.Info("the snapshot of the filters is not used", "path", s.path, "reason", err)
		return nil
	case err != nil:
		s.log.Warn("the snapshot of the filters cannot be read", "path", s.path, "error", err)
		return nil
	}
	s.log.Info("read the snapshot of the filters", "filters", index.Len(), "revision", head.Revision, "took",
		s.now().Sub(start).Round(time.Millisecond))
	b := &indexState{revision: head.Revision, catalogue: current.loaded, kinds: head.Kinds, index: index,
		broken: map[rulespec.FilterID]bool{}}
	for _, id := range head.Broken {
		b.broken[id] = true
	}
	return b
}
