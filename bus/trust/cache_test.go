package trust

import (
	"errors"
	"fmt"
	"testing"
)

func TestLeavesAreRememberedUpToABound(t *testing.T) {
	c := newLeafCache(3)
	made := 0
	get := func(der string) *leaf {
		t.Helper()
		l, err := c.get([]byte(der), func() (*leaf, error) { made++; return &leaf{name: der}, nil })
		if err != nil || l.name != der {
			t.Fatalf("%+v, %v", l, err)
		}
		return l
	}
	a := get("a")
	for i := range 100 {
		get(fmt.Sprint(i))
		if get("a") != a { // used in between, so it stays
			t.Fatalf("forgotten after %d others", i)
		}
	}
	if made != 101 || len(c.leaves) != 3 || c.used.Len() != 3 {
		t.Errorf("made %d, remembers %d and %d", made, len(c.leaves), c.used.Len())
	}
	for range 2 { // what is refused is not kept
		refused := false
		_, err := c.get([]byte("b"), func() (*leaf, error) { refused = true; return nil, errors.New("no") })
		if err == nil || !refused {
			t.Errorf("%v, refused %t", err, refused)
		}
	}
}
