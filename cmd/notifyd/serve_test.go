package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func testEnv(t *testing.T) *env {
	return &env{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{},
		now: time.Now}
}

// TestStoppedWhileStarting stops the daemon while it starts: that is no failure.
func TestStoppedWhileStarting(t *testing.T) {
	folder := t.TempDir()
	config := writeFile(t, folder, "notifyd.yaml", "database: {dsn: '"+filepath.Join(folder, "n.db")+"'}")
	e := testEnv(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	e.ctx = ctx
	if status := run(e, []string{"--config", config, "serve"}); status != 0 {
		t.Errorf("status %d, want 0: %s", status, e.stderr)
	}
}

// TestSampleConfigurationIsWhole checks that the annotated file is valid and contains every key of the program's own
// sections.
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
