// Package tour_test plays the tour: each file of rows/ is a short story in which notifyd works with a real peer, such
// as a publisher of fedmsg's wire format on libzmq, RabbitMQ, dnsmasq, curl or gource. `make tour` plays all of them
// and says for each what it has shown; `make check` plays them with all other tests.
//
// A story is a script of testscript (https://pkg.go.dev/github.com/rogpeppe/go-internal/testscript). Its first line is
// what it shows; "needs:" names the programs and, after "python:", the modules without which it is skipped.
package tour_test

import (
	"bufio"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/notifyd/notifyd/bus/amqp/rabbittest"
	"github.com/notifyd/notifyd/internal/exectest"
)

var (
	show  = flag.Bool("show", false, "say on standard output what each row has shown")
	limit = flag.Duration("limit", 3*time.Minute, "how long a row may take; only a broken program needs it")
)

// A row is one story.
type row struct {
	file  string
	title string   // what it shows
	needs []string // programs
}

func TestTour(t *testing.T) {
	folder := program(t)
	var said lines
	t.Run("rows", func(t *testing.T) {
		for _, r := range readRows(t) {
			t.Run(strings.TrimSuffix(filepath.Base(r.file), ".txtar"), func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				defer func() { said.add(t, r.title, time.Since(began)) }()
				play(t, r, folder)
			})
		}
	})
	if *show {
		fmt.Print(said.text())
	}
}

// play plays one story.
func play(t *testing.T, r row, folder string) {
	environment := map[string]string{"PEERS": absolute(t, "peers"), "EXAMPLES": absolute(t, "../examples")}
	for _, needed := range r.needs {
		module, python := strings.CutPrefix(needed, "python:")
		switch {
		case needed == "rabbitmq":
			environment["AMQP"] = rabbittest.Start(t).URL(rabbittest.Admin)
		case python:
			exectest.Python(t, module)
		default:
			exectest.Program(t, needed)
		}
	}
	for _, name := range []string{"PORT", "PORT2", "PORT3", "PORT4"} {
		environment[name] = fmt.Sprint(exectest.FreePort(t))
	}
	testscript.RunT(quietT{t}, testscript.Params{
		Files: []string{r.file}, Deadline: time.Now().Add(*limit),
		Setup: func(e *testscript.Env) error {
			for name, value := range environment {
				e.Setenv(name, value)
			}
			e.Setenv("PATH", folder+":/usr/bin:/bin:/usr/sbin:/sbin")
			e.Setenv("PYTHONPATH", os.Getenv("PYTHONPATH"))
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Condition: func(name string) (bool, error) { return condition(name) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"eventually": eventually, "expand": expand, "pki": pki,
		},
	})
}

// condition knows [fedmsg]: fedmsg itself is on this machine, or in PYTHONPATH.
func condition(name string) (bool, error) {
	if name != "fedmsg" {
		return false, fmt.Errorf("unknown condition %s", name)
	}
	return exec.Command("/usr/bin/python3", "-c", "import fedmsg.core, fedmsg.commands.tail").Run() == nil, nil
}

// program builds notifyd, and gives the folder with it, under its name and those of fedmsg's tools.
func program(t *testing.T) string {
	touchSources(t)
	folder := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(folder, "notifyd"), "../../cmd/notifyd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, name := range []string{"fedmsg-logger", "fedmsg-tail", "fedmsg-relay"} {
		if err := os.Symlink("notifyd", filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// touchSources looks at every file of the repository, so that go test does not take an old result for one of today's
// program: it knows what a test looks at, and not what the programs do that it runs.
func touchSources(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return filepath.SkipDir
		}
		if err == nil {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readRows reads what each row shows and needs.
func readRows(t *testing.T) []row {
	t.Helper()
	files, err := filepath.Glob("rows/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rows: %v", err)
	}
	var rows []row
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		r, in := row{file: name}, bufio.NewScanner(file)
		for in.Scan() && strings.HasPrefix(in.Text(), "# ") {
			line := strings.TrimPrefix(in.Text(), "# ")
			if needs, ok := strings.CutPrefix(line, "needs: "); ok {
				r.needs = strings.Fields(needs)
			} else {
				r.title = strings.TrimSpace(r.title + " " + line)
			}
		}
		if !strings.HasPrefix(r.title, "Row ") || len(r.needs) == 0 {
			t.Errorf("%s does not begin with what it shows, \"Row N, SYSTEM: ...\", and \"needs: ...\"", name)
		}
		rows = append(rows, r)
	}
	return rows
}

// TestTourHasItsRows compares the rows with those that README.md names.
func TestTourHasItsRows(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readRows(t) {
		if !strings.Contains(string(text), "`"+filepath.Base(r.file)+"`") {
			t.Errorf("README.md does not name %s", r.file)
		}
	}
}

func absolute(t *testing.T, name string) string {
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// quietT lets testscript log a story only where it fails.
type quietT struct{ *testing.T }

func (t quietT) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(quietT{t}) })
}
func (quietT) Verbose() bool { return false }
func (quietT) Parallel()     {} // the row is already

// lines are what was shown, in the order of the rows.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(t *testing.T, title string, took time.Duration) {
	verdict := "ok"
	switch {
	case t.Failed():
		verdict = "FAILED"
	case t.Skipped():
		verdict = "skipped"
	}
	number, rest, _ := strings.Cut(strings.TrimPrefix(title, "Row "), ", ")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf("%2s %-8s%5.1fs  %s\n", number, verdict, took.Seconds(), rest))
}

func (l *lines) text() string {
	slices.Sort(l.all)
	return strings.Join(l.all, "")
}
