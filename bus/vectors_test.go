package bus_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// shared opens a file of reference vectors, which are not part of this repository; without it the test is skipped.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	path := filepath.Join("..", "..", "shared", filepath.FromSlash(name))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("needs ../shared/%s", name)
	}
	return text
}

// sharedLines decodes a file of JSON Lines.
func sharedLines[T any](t testing.TB, name string) []T {
	t.Helper()
	shared(t, name)
	file, err := os.Open(filepath.Join("..", "..", "shared", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	var all []T
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		t.Fatalf("no lines in %s", name)
	}
	return all
}
