package vector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A version is a copy of a Vector, and what it must have for ever.
type version struct {
	vector Vector[uint32]
	want   []uint32
}

func (v *version) check(t *testing.T, name string) {
	t.Helper()
	for i, want := range v.want {
		if got := v.vector.At(uint32(i)); got != want {
			t.Fatalf("%s: item %d is %d, want %d", name, i, got, want)
		}
	}
	last := uint32(len(v.want) - 1)
	if l := v.vector.Leaf(last >> LeafBits); l != nil && l.Items[last&(1<<LeafBits-1)] != v.want[last] {
		t.Fatalf("%s: the leaf has another item %d", name, last)
	}
}

// play makes batches of changes of a Vector of size items, keeps a version behind each, and checks all of them.
func play(t *testing.T, size int, batches [][]uint32) {
	var v Vector[uint32]
	plain := make([]uint32, size)
	var versions []version
	for i, batch := range batches {
		transient := new(Transient)
		for j, at := range batch {
			at %= uint32(size)
			plain[at] = uint32(i+1)<<16 | uint32(j)
			if j%2 == 0 {
				v.Set(transient, at, plain[at])
			} else {
				*v.Item(transient, at) = plain[at]
			}
		}
		versions = append(versions, version{v, slices.Clone(plain)})
	}
	for i := range versions {
		versions[i].check(t, fmt.Sprint("version ", i))
	}
}

func TestVersions(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, 1 << LeafBits, 40_000} { // of one leaf, and of several inner nodes
		batches := make([][]uint32, 12)
		for i := range batches {
			for range random.IntN(50) {
				batches[i] = append(batches[i], random.Uint32())
			}
		}
		play(t, size, batches)
	}
}

func TestZeroVector(t *testing.T) {
	var v Vector[string]
	if v.At(0) != "" || v.At(1<<31) != "" || v.Leaf(7) != nil {
		t.Error("the zero Vector has something")
	}
}

func FuzzVersions(f *testing.F) {
	f.Add([]byte("\x01\x02\x00\x03\x80\x00\x00\xff"))
	f.Add([]byte("versions of a vector\x00and changes\x00between them"))
	f.Fuzz(func(t *testing.T, data []byte) {
		batches := [][]uint32{nil}
		for i, b := range data[:min(len(data), 500)] {
			if b == 0 {
				batches = append(batches, nil)
				continue
			}
			last := len(batches) - 1
			batches[last] = append(batches[last], uint32(b)*uint32(i+1)*977)
		}
		play(t, 10_000, batches)
	})
}
