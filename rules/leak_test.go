package rules_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain runs the tests and wants no goroutine of the engine's to be left when they are over.
func TestMain(m *testing.M) {
	code := m.Run()
	deadline := time.Now().Add(5 * time.Second)
	for left := leftBehind(); left != ""; left = leftBehind() {
		if time.Now().After(deadline) {
			fmt.Fprintf(os.Stderr, "goroutines of the engine are left behind:\n%s\n", left)
			os.Exit(max(code, 1))
		}
		yield()
	}
	os.Exit(code)
}

// leftBehind gives the stacks of goroutines that package rules has started.
func leftBehind() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var left []string
	for _, stack := range strings.Split(string(stacks), "\n\n") {
		if strings.Contains(stack, "created by github.com/notifyd/notifyd/rules.") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

func goroutines() int { return runtime.NumGoroutine() }

// eventuallyFewer waits until there are no more goroutines than before.
func eventuallyFewer(t *testing.T, before int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for goroutines() > before {
		if time.Now().After(deadline) {
			t.Fatalf("there are %d goroutines, before there were %d", goroutines(), before)
		}
		yield()
	}
}

func yield() { runtime.Gosched() }
