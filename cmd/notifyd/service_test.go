package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func testEnv(t *testing.T) *env {
	return &env{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, now: time.Now}
}

func openTestService(t *testing.T, dsn string) (*service, error) {
	t.Helper()
	path := writeFile(t, t.TempDir(), "notifyd.yaml", "database: {dsn: '"+dsn+"'}", "web: {listen: ''}", "metrics: {listen: ''}")
	f, err := readConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return newService(t.Context(), f, testEnv(t))
}

func TestOneDaemonOnAnSQLiteFile(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "notifyd.db")
	first, err := openTestService(t, dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openTestService(t, dsn); err == nil || !strings.Contains(err.Error(), "another notifyd runs on") {
		t.Errorf("a second daemon on the same file: %v, want a refusal", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openTestService(t, dsn)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := again.close(); err != nil {
		t.Error(err)
	}
}

// TestSampleConfigurationIsWhole holds the annotated file against what the program knows: it is valid, and no key of the
// program's own sections is missing from it.
func TestSampleConfigurationIsWhole(t *testing.T) {
	sample := filepath.Join("..", "..", "contrib", "notifyd.yaml")
	e := testEnv(t)
	e.config = sample
	if err := (&configCheckCmd{}).Run(e); err != nil {
		t.Fatal(err)
	}
	if err := (&configPrintCmd{}).Run(e); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`(?m)^\s*([a-z_]+):`)
	known := keys.FindAllStringSubmatch(e.stdout.(*bytes.Buffer).String(), -1)
	if len(known) < 20 {
		t.Fatalf("the program knows only %d keys", len(known))
	}
	for _, k := range known {
		if !regexp.MustCompile(`(?m)^[# ]*` + k[1] + `:`).Match(text) {
			t.Errorf("contrib/notifyd.yaml lacks %s", k[1])
		}
	}
}
