package tour_test

import (
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/notifyd/notifyd/internal/pkitest"
)

// eventually is the script command "eventually PROGRAM [ARG...]": it runs the program again until it succeeds.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: eventually PROGRAM [ARG...]")
	}
	late := time.After(*limit / 2)
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for ts.Exec(args[0], args[1:]...) != nil {
		select {
		case <-late:
			ts.Fatalf("not within %s: %q", *limit/2, args)
		case <-tick.C:
		}
	}
}

// expand is the script command "expand FILE...": it puts the values of variables in place of $NAME.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// pki is the script command "pki": it makes certificates, as pkitest has them.
func pki(ts *testscript.TestScript, neg bool, args []string) {
	p, err := pkitest.New(time.Now())
	ts.Check(err)
	ts.Check(p.Write(ts.MkAbs(".")))
}
