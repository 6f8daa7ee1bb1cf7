package irc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

func TestGuard(t *testing.T) {
	numbered := func(format string, count int) string {
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	tests := []struct {
		name, in, out string
		err           error
	}{
		{"lines pass", "a\r\nb\r\n", "a\r\nb\r\n", nil},
		{"NUL goes", "a\r\nb\x00c\r\nd\r\n", "a\r\nd\r\n", nil},
		{"endless line", "a\r\n" + strings.Repeat("x", 20000), "a\r\n", errLineTooLong},
		{"batches", "BATCH +1 x\r\n@batch=1 :s PRIVMSG a :b\r\n:s BATCH -1\r\n",
			"BATCH +1 x\r\n@batch=1 :s PRIVMSG a :b\r\n:s BATCH -1\r\n", nil},
		{"batches one after the other", numbered("BATCH +%d x\r\n", 1) + numbered("@batch=0 X\r\n", 0) +
			strings.Repeat("BATCH -0\r\nBATCH +0 x\r\n", 100), numbered("BATCH +%d x\r\n", 1) +
			strings.Repeat("BATCH -0\r\nBATCH +0 x\r\n", 100), nil},
		{"nested without end", numbered("@batch=1 :s  batch :+%d x\r\n", 100), numbered("@batch=1 :s  batch :+%d x\r\n", 8),
			errBatches},
		{"closed by another name", numbered("BATCH +%d x\r\nBATCH -x\r\n", 100), numbered("BATCH +%d x\r\nBATCH -x\r\n", 8),
			errBatches},
		{"growing without end", "BATCH +1 x\r\n" + strings.Repeat("@a=b;batch=1 X\r\n", 1000), "BATCH +1 x\r\n" +
			strings.Repeat("@a=b;batch=1 X\r\n", 500), errBatched},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := throughGuard(test.in)
			if test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("Read() = %v, want %v", err, test.err)
			}
			if got != test.out {
				t.Errorf("%d bytes came through, want %d: %.80q", len(got), len(test.out), got)
			}
		})
	}
}

// throughGuard gives what a guard lets through of what a server says, and the error at the end.
func throughGuard(in string) (out string, err error) {
	near, far := net.Pipe()
	said := make(chan struct{})
	go func() {
		defer close(said)
		io.WriteString(far, in)
		far.Close()
	}()
	defer func() {
		near.Close()
		<-said
	}()
	var got strings.Builder
	g, buf := newGuard(near, 1), make([]byte, 4096)
	for {
		n, err := g.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			return got.String(), err
		}
	}
}

// TestAllowance says the lines of a server for an hour: what an honest one says passes, once registered.
func TestAllowance(t *testing.T) {
	tests := []struct {
		name, command string
		size          int
		every         time.Duration
		registered    bool
		want          int // lines that pass of an hour's, at least
	}{
		{"a long MOTD", "372", 100, time.Millisecond, false, 5000},
		{"much of 005", "005", 500, time.Millisecond, false, 64},
		{"answers to 1 line a second", "311", 300, time.Second / 20, true, 20 * 3600},
		{"services that come and go", "CAP", 50, time.Minute, true, 60},
		{"the nick is taken", "433", 80, time.Second, true, 3600},
		{"a slow flood", "353", 100, time.Second / 500, true, 5000},
		{"a slow flood of 005", "005", 100, time.Second, true, 64},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, now, passed := newAllowance(1), time.Unix(1e9, 0), 0
			a.refills = test.registered
			for end := now.Add(time.Hour); now.Before(end); now = now.Add(test.every) {
				if a.spend(test.command, test.size, now) != nil {
					break
				}
				passed++
			}
			if passed < test.want || passed > test.want*3/2 {
				t.Errorf("%d lines pass, want about %d", passed, test.want)
			}
		})
	}
}

// FuzzGuard looks at what comes through: no line and no store of the library outgrows its bound.
func FuzzGuard(f *testing.F) {
	f.Add(strings.Repeat(":s 005 n A=1 B=2 :x\r\n", 70))
	f.Add(strings.Repeat("BATCH +a x\r\n@batch=a X\r\nBATCH -b\r\n", 20))
	f.Add("@batch=a;x :s  batch :+1 x\n@batch :s X\n\x00\n@\n:\n \n")
	f.Add("BATCH +a\nBATCH +b\nBATCH +c\nBATCH +d\nBATCH +e\nBATCH +f\nBATCH +g\nBATCH +h\nBATCH +i\n")
	f.Fuzz(func(t *testing.T, in string) {
		out, _ := throughGuard(in)
		if strings.ContainsRune(out, 0) {
			t.Error("a NUL came through")
		}
		kept, stored := 0, map[string]int{} // lines of 005; lines by open batch
		for line := range strings.Lines(out) {
			m, err := ircmsg.ParseLine(line)
			if len(line) > maxLine {
				t.Errorf("a line of %d bytes came through", len(line))
			}
			if err != nil {
				continue
			}
			if m.Command == "005" {
				kept++
			}
			store(stored, m)
			if kept > burstOfKind || len(stored) > maxBatches {
				t.Fatalf("%d lines of 005, %d open batches", kept, len(stored))
			}
		}
		for name, lines := range stored {
			if lines > maxBatched {
				t.Errorf("%d lines in batch %q", lines, name)
			}
		}
	})
}

// store does what the library does with a line in a batch.
func store(stored map[string]int, m ircmsg.Message) {
	tagged, parent := m.GetTag("batch")
	switch {
	case m.Command != "BATCH":
		if _, open := stored[parent]; tagged && open {
			stored[parent]++
		}
	case len(m.Params) == 0 || len(m.Params[0]) < 2:
	case m.Params[0][0] == '+':
		if _, open := stored[m.Params[0][1:]]; !open {
			stored[m.Params[0][1:]] = 0
		}
	case m.Params[0][0] == '-':
		delete(stored, m.Params[0][1:])
	}
}
