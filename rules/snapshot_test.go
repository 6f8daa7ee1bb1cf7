package rules_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
)

// written gives the snapshot of an index.
func written(t testing.TB, x *rules.Index) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := x.WriteSnapshot(&b, "key"); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readBack(t testing.TB, data []byte) *rules.Index {
	t.Helper()
	x, err := rules.ReadSnapshot(rulespec.Env{}, bytes.NewReader(data), "key")
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// randomIndex makes an index by random changes, and the loop beside it.
func randomIndex(c *chooser, filters int) (*rules.Index, loop) {
	x := rules.NewIndex(rulespec.Env{})
	var plain loop
	changeAtRandom(c, x, &plain, filters)
	return x, plain
}

func changeAtRandom(c *chooser, x *rules.Index, plain *loop, n int) {
	for range n {
		id := rulespec.FilterID(c.random.IntN(n)) << (c.random.IntN(2) * 40)
		change := rules.Change{Filter: c.filter(id), Gone: c.random.IntN(4) == 0}
		plain.apply(change)
		x.Apply(change)
	}
}

// TestSnapshotFindsTheSame writes random filters, reads them, and asks; then changes what was read and asks again;
// and all that a second time.
func TestSnapshotFindsTheSame(t *testing.T) {
	for seed := range uint64(150) {
		c := newChooser(binary.LittleEndian.AppendUint64(nil, seed))
		x, plain := randomIndex(c, c.random.IntN(120))
		for range 2 {
			was := x.Len()
			x = readBack(t, written(t, x))
			if x.Len() != was {
				t.Fatalf("seed %d: %d filters became %d", seed, was, x.Len())
			}
			checkLoaded(t, c, x, plain, 6)
			changeAtRandom(c, x, &plain, c.random.IntN(60))
			checkLoaded(t, c, x, plain, 6)
		}
	}
}

// TestSnapshotWhileItChanges writes snapshots while filters come and go: each is a state that there was.
func TestSnapshotWhileItChanges(t *testing.T) {
	x := rules.NewIndex(rulespec.Env{})
	both := func(i int) []rules.Change { // of these two there is always one
		packages := rule("package", "name", fmt.Sprintf("zs*%d", i%40), "zsh")
		f := put(0, fmt.Sprint("p", i%40), rule("app", "name", "git"), packages).Filter
		a, b := f, f
		a.ID, b.ID = 1, 2
		return []rules.Change{{Filter: a, Gone: i%2 == 0}, {Filter: b, Gone: i%2 == 1}}
	}
	x.Apply(both(0)...)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				x.Apply(both(i)...)
			}
		}
	})
	for range 200 {
		if got := found(readBack(t, written(t, x)), event("git", "git", "", nil, "zsh"), nil); len(got) != 1 {
			t.Errorf("found %v, want one", got)
		}
	}
	close(stop)
	writer.Wait()
}

func ownedBy(user, role string) rulespec.Rule {
	return rulespec.Rule{Kind: "owner", Args: rulespec.Args{"user": {user}, "role": {role}}}
}

// smallIndex has a predicate of each form, and is small enough to damage each byte of its snapshot.
func smallIndex() *rules.Index {
	x := rules.NewIndex(rulespec.Env{})
	for i, rs := range [][]rulespec.Rule{
		{rule("app", "name", "git"), not(rule("user", "name", rulespec.Me))},
		{rule("app", "name", "git", "wiki"), rule("severity", "least", "info")},
		{rule("owner", "user", "alice"), not(ownedBy("bob", "commit"))},
		{rule("package", "name", "ker*", "*"), rule("regex", "pattern", "push|pull")},
		{rule("regex", "pattern", "alice.*zsh"), rule("package_regex", "pattern", "sh$")},
		{{Kind: "everything"}, not(rule("topic", "pattern", "*.git.*")), rule("field", "path", "n")},
		{rule("regex", "pattern", "a")},
	} {
		x.Apply(put(1+i*i*i, []string{"alice", "bob"}[i%2], rs...))
	}
	return x
}

// TestSnapshotDamaged changes each byte of a snapshot, cuts it at each place and adds to it: it is never read.
func TestSnapshotDamaged(t *testing.T) {
	good := written(t, smallIndex())
	readBack(t, good)
	read := func(data []byte, what string) {
		x, err := rules.ReadSnapshot(rulespec.Env{}, bytes.NewReader(data), "key")
		if err == nil || x != nil {
			t.Errorf("%s: was read", what)
		}
		if err != nil && !strings.Contains(err.Error(), "section") && !strings.Contains(err.Error(), "does not begin with") {
			t.Errorf("%s: %v does not tell where", what, err)
		}
	}
	for i := range good {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			read(bad, fmt.Sprintf("byte %d of %d flipped by %#x", i, len(good), flip))
		}
		read(good[:i], fmt.Sprintf("cut at byte %d of %d", i, len(good)))
	}
	read(append(bytes.Clone(good), 0), "one byte more")
	read(append(bytes.Clone(good), good...), "twice")
}

// TestSnapshotOfAnotherState wants a plain error that says so.
func TestSnapshotOfAnotherState(t *testing.T) {
	good := written(t, smallIndex())
	_, err := rules.ReadSnapshot(rulespec.Env{}, bytes.NewReader(good), "other")
	if !errors.Is(err, rules.ErrStale) || !strings.Contains(err.Error(), `"key"`) {
		t.Errorf("with another key: %v", err)
	}
	sections := split(good)
	sections[0][0] = 99 // the version
	_, err = rules.ReadSnapshot(rulespec.Env{}, bytes.NewReader(seal(good, sections)), "key")
	if !errors.Is(err, rules.ErrStale) {
		t.Errorf("of another version: %v", err)
	}
}

const magicSize = len("notifyd rules\n")

// split gives the contents of the sections of a snapshot, without the end.
func split(data []byte) (contents [][]byte) {
	for data = data[magicSize:]; len(data) > 9 && data[0] != 'e'; {
		n := int(binary.LittleEndian.Uint32(data[1:]))
		if n > len(data)-9 {
			break
		}
		contents = append(contents, bytes.Clone(data[5:5+n]))
		data = data[9+n:]
	}
	return contents
}

// seal makes a snapshot of contents, with the sums and kinds right: what somebody crafts who knows how.
func seal(like []byte, contents [][]byte) []byte {
	table := crc32.MakeTable(crc32.Castagnoli)
	out, sums := bytes.Clone(like[:magicSize]), uint32(0)
	rest := like[magicSize:]
	add := func(kind byte, content []byte) {
		section := append(binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(content))), content...)
		sum := binary.LittleEndian.AppendUint32(nil, crc32.Checksum(section, table))
		if kind != 'e' {
			sums = crc32.Update(sums, table, sum)
		}
		out = append(append(out, section...), sum...)
	}
	for _, content := range contents {
		n := int(binary.LittleEndian.Uint32(rest[1:]))
		add(rest[0], content)
		rest = rest[9+n:]
	}
	end := binary.AppendUvarint(nil, uint64(len(contents)))
	add('e', binary.LittleEndian.AppendUint32(end, sums))
	return out
}

// TestSnapshotCrafted changes each byte of what is in the sections and makes the sums right again: what is read then
// may be other filters, and whatever they are, asking them and changing them does no harm.
func TestSnapshotCrafted(t *testing.T) {
	good := written(t, smallIndex())
	if again := seal(good, split(good)); !bytes.Equal(again, good) {
		t.Fatalf("the format is not what its comment says")
	}
	sections := split(good)
	for i := range sections {
		for j := range sections[i] {
			for _, to := range []byte{0, 3, sections[i][j] + 1, sections[i][j] - 1, 0xff} {
				was := sections[i][j]
				sections[i][j] = to
				useSnapshot(t, seal(good, sections))
				sections[i][j] = was
			}
		}
	}
}

// useSnapshot reads what may be a snapshot, and does with it all that can be done.
func useSnapshot(t *testing.T, data []byte) {
	t.Helper()
	x, err := rules.ReadSnapshot(rulespec.Env{}, bytes.NewReader(data), "key")
	if err != nil {
		return
	}
	dir := parseDirectory(t, worldDirectory)
	c := newChooser([]byte{1, 2, 3})
	c.data = nil
	for range 4 {
		e := c.event()
		found(x, e, dir)
		found(x, e, nil)
	}
	if again := readBack(t, written(t, x)); again.Len() != x.Len() {
		t.Fatalf("%d filters became %d", x.Len(), again.Len())
	}
	for i := range 30 {
		x.Apply(rules.Change{Filter: c.filter(rulespec.FilterID(i)), Gone: i%3 == 0})
	}
	found(x, c.event(), dir)
}

func FuzzReadSnapshot(f *testing.F) {
	good := written(f, smallIndex())
	f.Add(good)
	f.Add(written(f, rules.NewIndex(rulespec.Env{})))
	f.Add(good[:len(good)/2])
	f.Add([]byte("notifyd rules\nh\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		useSnapshot(t, data)
		if len(data) > magicSize {
			useSnapshot(t, seal(data, split(data)))
		}
	})
}
