package daemon

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

const unitFile = "../../../contrib/notifyd.service"

// TestUnitFitsTheDaemon holds the unit to what the daemon does and to what doc/operating.md says of it.
func TestUnitFitsTheDaemon(t *testing.T) {
	unit := readUnit(t)
	for key, least := range map[string]time.Duration{
		"TimeoutStopSec":  defaultSettings().Stop.Within + 5*time.Second,
		"TimeoutStartSec": 75 * time.Second, // a migration lock is waited for 60s
	} {
		if d, err := time.ParseDuration(unit[key] + "s"); err != nil || d < least {
			t.Errorf("%s=%s, must be at least %v", key, unit[key], least)
		}
	}
	guide, err := os.ReadFile("../../../doc/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"MemoryMax", "TasksMax", "UMask", "ProcSubset", "ProtectProc"} {
		if said := "`" + key + "=" + unit[key] + "`"; !strings.Contains(string(guide), said) {
			t.Errorf("doc/operating.md does not say %s", said)
		}
	}
	if limit := unit["Environment"]; limit == "" || !strings.Contains(string(guide), "`"+limit+"`") {
		t.Errorf("doc/operating.md does not say Environment=%s", limit)
	}
	if unit["UMask"] != "0077" {
		t.Errorf("UMask=%s", unit["UMask"])
	}
}

// readUnit gives the last value of each key.
func readUnit(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	unit := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			unit[key] = value
		}
	}
	return unit
}

func TestUnitIsValidAndTight(t *testing.T) {
	tool := exectest.Program(t, "systemd-analyze")
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "notifyd.service")
	here := strings.Replace(string(text), "/usr/local/bin/notifyd", "/bin/true", 1) // verify looks for the program
	if err := os.WriteFile(path, []byte(here), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--man=no", path}, {"security", "--offline=true", "--threshold=12", path}} {
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
