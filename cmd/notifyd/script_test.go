package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestMain lets scripts run this test binary as the command notifyd, and stops the PostgreSQL that tests started.
func TestMain(m *testing.M) {
	testscript.Main(withPostgres{m}, map[string]func(){"notifyd": main})
}

type withPostgres struct{ m *testing.M }

// Run runs the tests.
func (w withPostgres) Run() int { return migratest.Main(w.m) }

// TestScripts runs every story in testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Cmds: map[string]func(*testscript.TestScript, bool, []string){"owe": owe},
	})
}
