package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/cmd/notifyd/config"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]config.Size{
		"0": 0, "10737418240": 10 << 30, "500MB": 500e6, "10GiB": 10 << 30, "1 kB": 1000, "7B": 7, "2TiB": 2 << 40, "-1": -1,
	} {
		if got, err := config.ParseSize(text); err != nil || got != want {
			t.Errorf("%s is %d, want %d: %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "GB", "1.5GB", "10 gigs", "0x10", "010", "99999999TiB", "1e9", "1GB2", "1GBB", "9223372036854775808"} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
}

func TestSizesInTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notifyd.yaml")
	for text, want := range map[string]string{
		"part: {size: 2kB}": "", "part: {size: '2000'}": "", "part: {size: 2000}": "", "part:\n  size: 2 kilos": ":2:9: found \"2 kilos\"; expected a number of bytes",
		"part: {size: 02000}": "expected a number of bytes", "part: {size: [1]}": "expected a number of bytes",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, environ := range [][]string{nil, {"NOTIFYD_PART_SIZE=2kB"}} {
			f, err := config.Read(name, environ)
			if err != nil {
				t.Fatal(err)
			}
			var part struct {
				Size config.Size `yaml:"size"`
			}
			err = f.Section("part")(&part)
			switch {
			case want == "" && (err != nil || part.Size != 2000):
				t.Errorf("%s with %v: %d, %v", text, environ, part.Size, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%s: %v, want %s", text, err, want)
			}
		}
	}
}
