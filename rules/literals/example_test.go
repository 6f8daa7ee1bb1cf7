package literals_test

import (
	"fmt"

	"github.com/notifyd/notifyd/rules/literals"
)

func Example() {
	var x *literals.Index
	for id, l := range []string{"KERNEL", "PANIC", "ZEBRA"} {
		x = x.Add([]string{l}, nil, literals.Target{ID: uint32(id)})
	}
	text := literals.Pad([]byte("KERNEL: NOT SYNCING, PANIC"))
	x.Scan(text, func(e *literals.Entry, at int) { fmt.Println(e.ID, e.Literal(), at) })
	// Unordered output:
	// 0 KERNEL 0
	// 1 PANIC 21
}
