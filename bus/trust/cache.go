package trust

import (
	"container/list"
	"crypto/sha256"
	"sync"
)

// A leafCache remembers the certificates that were used last, least recently used out. Its key is a digest of the DER,
// of which there is one for each certificate: nobody pushes others out by writing one certificate in many ways, or by
// certificates that no CA has signed, since those are not kept.
type leafCache struct {
	most int

	mu     sync.Mutex
	leaves map[[sha256.Size]byte]*list.Element // of *cachedLeaf
	used   *list.List                          // the last used first
}

type cachedLeaf struct {
	sum  [sha256.Size]byte
	leaf *leaf
}

func newLeafCache(most int) *leafCache {
	return &leafCache{most: most, leaves: map[[sha256.Size]byte]*list.Element{}, used: list.New()}
}

// get gives the leaf of a DER, which read makes where it is not remembered. Two goroutines may both make it.
func (c *leafCache) get(der []byte, read func() (*leaf, error)) (*leaf, error) {
	sum := sha256.Sum256(der)
	if l := c.find(sum); l != nil {
		return l, nil
	}
	l, err := read()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.leaves[sum]; !ok {
		c.leaves[sum] = c.used.PushFront(&cachedLeaf{sum, l})
	}
	if c.used.Len() > c.most {
		last := c.used.Remove(c.used.Back()).(*cachedLeaf)
		delete(c.leaves, last.sum)
	}
	return l, nil
}

func (c *leafCache) find(sum [sha256.Size]byte) *leaf {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.leaves[sum]
	if !ok {
		return nil
	}
	c.used.MoveToFront(e)
	return e.Value.(*cachedLeaf).leaf
}
