package nodes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A slice is a control group that bounds how much of a processor its processes may use (cgroups(7)).
type slice struct{ folder string }

const (
	oldGroups = "/sys/fs/cgroup/cpu" // version 1
	newGroups = "/sys/fs/cgroup"
	period    = 10_000 // microseconds: short, since who waits for the next one may hold locks
)

// newSlice makes a slice of so many percent of one processor. A test is skipped where none can be made.
func newSlice(t testing.TB, name string, percent int) *slice {
	t.Helper()
	in := newGroups
	files := map[string]string{"cpu.max": fmt.Sprint(percent*period/100, " ", period)}
	if _, err := os.Stat(oldGroups + "/cpu.cfs_quota_us"); err == nil {
		in = oldGroups
		files = map[string]string{
			"cpu.cfs_period_us": fmt.Sprint(period), "cpu.cfs_quota_us": fmt.Sprint(percent * period / 100),
		}
	} else {
		os.WriteFile(newGroups+"/cgroup.subtree_control", []byte("+cpu"), 0o600) // or the next step says that it failed
	}
	folder, err := os.MkdirTemp(in, "notifyd-"+name+"-") // one that was killed may have left its own
	if err != nil {
		t.Skipf("needs control groups: %v", err)
	}
	s := &slice{folder}
	t.Cleanup(func() { os.Remove(s.folder) })
	for _, file := range []string{"cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.max"} {
		if text := files[file]; text != "" {
			if err := os.WriteFile(filepath.Join(s.folder, file), []byte(text), 0o600); err != nil {
				t.Skipf("needs control groups with quotas: %v", err)
			}
		}
	}
	return s
}

// hold puts a process into the slice.
func (s *slice) hold(t testing.TB, pid int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, "cgroup.procs"), []byte(fmt.Sprint(pid)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tick is what /proc counts times of processors in (USER_HZ, 100 on every architecture of Linux that Go knows).
const tick = 10 * time.Millisecond

// used is how much of the processors each process has used, with those children of it that have ended, and whose child
// it is.
func used() (times map[int]time.Duration, parent map[int]int) {
	times, parent = map[int]time.Duration{}, map[int]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent[pid], _ = strconv.Atoi(fields[1])
		for _, f := range fields[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.Atoi(f)
			times[pid] += time.Duration(n) * tick
		}
	}
	return times, parent
}

// usedBy is what a process and all below it have used.
func usedBy(root int) (sum time.Duration) {
	all, parent := used()
	for pid := range all {
		for p := pid; p > 1; p = parent[p] {
			if p == root {
				sum += all[pid]
				break
			}
		}
	}
	return sum
}
