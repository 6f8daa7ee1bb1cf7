package irc_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestMain looks for goroutines of this package or of the library that outlive every test.
func TestMain(m *testing.M) {
	code := migratest.Main(m)
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for left := leftBehind(); code == 0 && left != ""; left = leftBehind() {
		if <-tick.C; time.Now().After(deadline) {
			fmt.Println("a goroutine was left behind:\n" + left)
			code = 1
		}
	}
	os.Exit(code)
}

func leftBehind() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "irc-go/") || strings.Contains(stack, "backends/irc.") {
			return stack
		}
	}
	return ""
}
