package wholefile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "state")
	for _, want := range []string{"one", "", "a longer text"} {
		if err := Replace(file, []byte(want)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

// TestReplaceLeavesWhatItCannotReplace has a folder where the file should be, which nothing can be renamed to.
func TestReplaceLeavesWhatItCannotReplace(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "state")
	if err := os.MkdirAll(filepath.Join(file, "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(file, []byte("text")); err == nil {
		t.Error("a folder was replaced")
	}
	if err := Replace(filepath.Join(folder, "nowhere", "state"), nil); err == nil {
		t.Error("a file was written to a folder that is not there")
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 1 {
		t.Errorf("%v lie there, %v; want the folder alone", left, err)
	}
}
