package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

// How many names there are, and those that are in as many messages as said, however many there are.
const (
	people, packages = 10_000, 24_000

	Rare, rareTimes     = "xrarely-built", 3
	Seldom, seldomTimes = "seldomwright", 40
)

// A crowd draws names: the k-th is as frequent as 1/k^power.
type crowd struct {
	names []string
	upTo  []float64 // the share of the names up to this one
}

func newCrowd(n int, power float64, name func(rank int) string) *crowd {
	c := &crowd{names: make([]string, n), upTo: make([]float64, n)}
	sum := 0.0
	for i := range n {
		c.names[i] = name(i)
		sum += math.Pow(float64(i+1), -power)
		c.upTo[i] = sum
	}
	for i := range c.upTo {
		c.upTo[i] /= sum
	}
	return c
}

func (c *crowd) draw(random *rand.Rand) string {
	return c.names[min(sort.SearchFloat64s(c.upTo, random.Float64()), len(c.names)-1)]
}

var (
	syllables = []string{"ba", "co", "di", "fe", "gu", "ha", "jo", "ka", "li", "mo", "nu", "pe", "ra", "si", "to", "vu"}
	ecosystem = []string{"", "python-", "rust-", "perl-", "golang-", "", "nodejs-", "rubygem-", "ghc-", "", "R-", "php-"}
)

// spell makes a word of a number, another one for each.
func spell(n int) string {
	word := ""
	for range 4 {
		word += syllables[n%len(syllables)]
		n /= len(syllables)
	}
	return word
}

// The 40503 is odd, so each rank has a number of its own (modulo 65536), and near ranks have names that differ.
func personName(rank int) string { return spell(rank * 40503 % 65536) }

func packageName(rank int) string {
	switch rank {
	case 0:
		return "kernel"
	case 1:
		return "bash"
	}
	return fmt.Sprintf("%s%s", ecosystem[rank%len(ecosystem)], spell((rank*40503+777)%65536))
}
