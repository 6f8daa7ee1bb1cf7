package automaton_test

import (
	"fmt"
	"regexp/syntax"

	"github.com/notifyd/notifyd/rules/automaton"
)

func Example() {
	tree, err := syntax.Parse(`kernel.*\bpanic`, syntax.Perl|syntax.FoldCase)
	if err != nil {
		panic(err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		panic(err)
	}
	m := automaton.New(program)
	for _, text := range []string{"Kernel: not syncing, PANIC", "kernel update"} {
		run := m.Run()
		fmt.Println(run.Match(text, 0, false) == automaton.Match)
	}
	// Output:
	// true
	// false
}
