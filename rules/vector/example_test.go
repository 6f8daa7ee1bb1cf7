package vector_test

import (
	"fmt"

	"github.com/notifyd/notifyd/rules/vector"
)

func Example() {
	var v vector.Vector[string]
	batch := new(vector.Transient)
	v.Set(batch, 3, "three")
	old := v // published

	v.Set(new(vector.Transient), 3, "drei")
	fmt.Println(old.At(3), v.At(3))
	// Output: three drei
}
