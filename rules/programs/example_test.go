package programs_test

import (
	"fmt"

	"github.com/notifyd/notifyd/rules/automaton"
	"github.com/notifyd/notifyd/rules/programs"
)

func Example() {
	c := programs.New(64 << 20).Grow(1)
	for range 2 {
		p, compiled, err := c.Get(0, "kernel.*panic")
		if err != nil {
			panic(err)
		}
		run := p.Machine().Run()
		fmt.Println(compiled, run.Match("kernel panic", 0, false) == automaton.Match)
		c.Measure(p)
	}
	// Output:
	// true true
	// false true
}
