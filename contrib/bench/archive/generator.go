package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// A generator makes one message after the other.
type generator struct {
	rand             *rand.Rand
	shapes           []shape
	upTo             []int // the sum of the weights up to this shape
	people, packages *crowd
	words            []string
	n, done          int
	fedmsg           bool
	b                []byte
}

func newGenerator(seed uint64, n int, fedmsg bool) (*generator, error) {
	shapes, err := readShapes()
	if err != nil {
		return nil, err
	}
	g := &generator{
		rand: rand.New(rand.NewPCG(seed, uint64(n))), shapes: shapes, n: n, fedmsg: fedmsg,
		people: newCrowd(people, 1.05, personName), packages: newCrowd(packages, 0.95, packageName),
	}
	for i := range 4000 {
		g.words = append(g.words, spell(i*263 + 11)[:3+i%6])
	}
	sum := 0
	for _, s := range shapes {
		sum += s.weight
		g.upTo = append(g.upTo, sum)
	}
	return g, nil
}

// names are those of one message.
type names struct{ p, q, k, l, v string }

// draw draws the shape and the names of the next message: those that have a fixed number of messages are spread evenly.
func (g *generator) draw() (*shape, names) {
	at := g.rand.IntN(g.upTo[len(g.upTo)-1])
	i, _ := slices.BinarySearch(g.upTo, at+1)
	s := &g.shapes[i]
	n := names{p: g.people.draw(g.rand), q: g.people.draw(g.rand), k: g.packages.draw(g.rand), l: g.packages.draw(g.rand)}
	for n.q == n.p {
		n.q = g.people.draw(g.rand)
	}
	for n.l == n.k {
		n.l = g.packages.draw(g.rand)
	}
	n.v = strconv.Itoa(g.rand.IntN(12)) + "." + strconv.Itoa(g.rand.IntN(40)) + "." + strconv.Itoa(g.rand.IntN(10))
	switch {
	case turn(g.done, g.n, rareTimes):
		s, n.k = &g.shapes[0], Rare
	case turn(g.done, g.n, seldomTimes):
		s, n.p = &g.shapes[0], Seldom
	}
	g.done++
	return s, n
}

// turn reports whether message i of n is one of so many that are spread evenly, none of them the first.
func turn(i, n, times int) bool {
	return n > 4*times && (i+1)*(times+1)/n != i*(times+1)/n && (i+1)*(times+1)/n <= times
}

// next gives the line of the next message. It is valid until the call after.
func (g *generator) next(at time.Time) []byte {
	s, n := g.draw()
	id := g.id(at)
	b := append(g.b[:0], `{"i":`...)
	b = strconv.AppendInt(b, int64(1+g.done%1000), 10)
	b = append(append(append(b, `,"msg_id":"`...), id...), `","topic":"`...)
	b = append(append(b, s.topic...), `","timestamp":`...)
	b = strconv.AppendInt(b, at.Unix(), 10)
	if !g.fedmsg {
		b = append(b, `.0,"certificate":null,"signature":null,"crypto":null,"headers":null,"agent_name":`...)
		b = g.maybe(b, s.agent, n)
		b = append(b, `,"users":`...)
		b = g.list(b, s.users, n)
		b = append(b, `,"packages":`...)
		b = g.list(b, s.packages, n)
		b = append(b, `,"source_name":"datanommer","source_version":"1.4.0"`...)
	}
	b = append(b, `,"username":`...)
	b = g.maybe(b, s.agent, n)
	b = append(b, `,"msg":`...)
	b = g.fill(b, s.msg, n)
	g.b = append(b, "}\n"...)
	return g.b
}

// id makes a message id: the year and a random UUID.
func (g *generator) id(at time.Time) []byte {
	h, l := g.rand.Uint64(), g.rand.Uint64()
	return fmt.Appendf(nil, "%d-%08x-%04x-4%03x-%04x-%012x", at.Year(), h>>32, h>>16&0xffff, h&0xfff,
		0x8000|l>>48&0x3fff, l&0xffffffffffff)
}

// maybe writes a text, or null where it is empty.
func (g *generator) maybe(b []byte, pieces []piece, n names) []byte {
	if len(pieces) == 0 {
		return append(b, "null"...)
	}
	return append(g.fill(append(b, '"'), pieces, n), '"')
}

// list writes names with commas between as a sorted list.
func (g *generator) list(b []byte, pieces []piece, n names) []byte {
	var all []string
	for _, p := range pieces {
		switch {
		case p.place != "":
			all = append(all, string(g.fill(nil, []piece{p}, n)))
		case p.text != ",":
			all = append(all, p.text)
		}
	}
	slices.Sort(all)
	b = append(b, '[')
	for i, name := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, name)
	}
	return append(b, ']')
}

// fill writes pieces, with their places filled in.
func (g *generator) fill(b []byte, pieces []piece, n names) []byte {
	for i := range pieces {
		p := &pieces[i]
		switch p.place {
		case "p":
			b = append(b, n.p...)
		case "q":
			b = append(b, n.q...)
		case "k":
			b = append(b, n.k...)
		case "l":
			b = append(b, n.l...)
		case "v":
			b = append(b, n.v...)
		case "n":
			b = strconv.AppendInt(b, int64(1+g.rand.IntN(3_000_000)), 10)
		case "rev":
			b = fmt.Appendf(b, "%016x%016x%08x", g.rand.Uint64(), g.rand.Uint64(), g.rand.Uint32())
		case "text":
			b = g.text(b, p.size)
		default:
			if len(p.choice) > 0 {
				b = append(b, p.choice[g.rand.IntN(len(p.choice))]...)
			} else {
				b = append(b, p.text...)
			}
		}
	}
	return b
}

// text writes words, some frequent and most rare.
func (g *generator) text(b []byte, size int) []byte {
	for end := len(b) + size/2 + g.rand.IntN(size+1); len(b) < end; b = append(b, ' ') {
		share := g.rand.Float64()
		b = append(b, g.words[int(share*share*share*float64(len(g.words)))]...)
	}
	return b[:max(0, len(b)-1)]
}
