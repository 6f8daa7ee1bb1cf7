package sections_test

import (
	"bytes"
	"fmt"

	"github.com/notifyd/notifyd/rules/sections"
)

func Example() {
	var file bytes.Buffer
	w := sections.NewWriter(&file, "greetings\n")
	w.Begin('g')
	w.Text("hello")
	if err := w.Finish(); err != nil {
		panic(err)
	}
	file.Bytes()[16] ^= 1 // damage a byte

	r := sections.NewReader(&file, map[byte]string{'g': "greetings"}, 1)
	fmt.Println(r.Magic("greetings\n"))
	_, err := r.Next()
	fmt.Println(err)
	// Output:
	// <nil>
	// file is damaged: section 0 (greetings): has another checksum
}
