package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this test binary as the command notifyd.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"notifyd": main})
}

// TestScripts runs every story in testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
