// Program archive writes a made-up archive of a bus: messages as datagrepper or fedmsg writes them, a line each, the
// oldest first. What an archive of millions costs is measured with it (doc/performance.md):
//
//	go run ./contrib/bench/archive -n 5000000 | notifyd history import -
//
// The same seed and number give the same archive. It has the applications, the people and the packages that Fedora's
// bus has in number: some are in a tenth of all messages, most in a few (a power law). Times have the rhythm of days
// and weeks. The package named Rare is in 3 messages and the person named Seldom in 40, however many there are.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

func run(args []string, w io.Writer) error {
	flags := flag.NewFlagSet("archive", flag.ContinueOnError)
	n := flags.Int("n", 1_000_000, "number of messages")
	seed := flags.Uint64("seed", 1, "seed of everything")
	days := flags.Int("days", 150, "days that they are spread over")
	until := flags.String("until", "2026-11-30T00:00:00Z", "time of the end")
	form := flags.String("form", "datagrepper", "form of a message: datagrepper, or fedmsg as it was sent")
	if err := flags.Parse(args); err != nil {
		return err
	}
	end, err := time.Parse(time.RFC3339, *until)
	if err != nil {
		return err
	}
	if *form != "datagrepper" && *form != "fedmsg" || *n < 1 || *days < 1 || flags.NArg() > 0 {
		return fmt.Errorf("-form is datagrepper or fedmsg, -n and -days are at least 1")
	}
	out := bufio.NewWriterSize(w, 1<<20)
	g, err := newGenerator(*seed, *n, *form == "fedmsg")
	if err != nil {
		return err
	}
	for at := range clock(end.AddDate(0, 0, -*days), *days, *n, g.rand) {
		if _, err := out.Write(g.next(at)); err != nil {
			return err
		}
	}
	return out.Flush()
}
