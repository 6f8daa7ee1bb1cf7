package reports

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/notifyd/notifyd/cmd/notifyd/records"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// CheckCmd is `notifyd report check`.
type CheckCmd struct {
	Paths     []string `arg:"" name:"file" help:"Files, or folders of *.yaml files."`
	Catalogue string   `type:"existingdir" placeholder:"DIR" help:"Folder of a site's catalogue, over the embedded one."`
}

// errMistakes is for mistakes that were printed.
var errMistakes = errors.New("there are mistakes")

// Run prints each mistake as file:line:column: what is wrong. It needs no configuration.
func (c *CheckCmd) Run(e *records.Env) error {
	cat, err := catalogue.Load(folder(c.Catalogue))
	if err != nil {
		return err
	}
	env := rulespec.Env{KnowsKind: cat.KnownKinds(), ObjectsOf: cat.ObjectsOf}
	names, wrong := []string{}, 0
	for _, path := range c.Paths {
		files, err := filesOf(path)
		if err != nil {
			return err
		}
		for _, file := range files {
			r, err := readReport(env, file)
			if err != nil {
				for line := range strings.Lines(err.Error()) {
					wrong++
					fmt.Fprintln(e.Stdout, strings.TrimSuffix(line, "\n"))
				}
				continue
			}
			names = append(names, r.Name)
		}
	}
	if wrong > 0 {
		return errMistakes
	}
	fmt.Fprintf(e.Stdout, "no mistakes: %s\n", strings.Join(names, ", "))
	return nil
}

func filesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no *.yaml file", path)
	}
	return files, nil
}

// maxRead bounds what is read of a file; Parse refuses far less.
const maxRead = 1 << 20

// readReport reads a file with a report.
func readReport(env rulespec.Env, path string) (*report.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	source, err := io.ReadAll(io.LimitReader(file, maxRead))
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return report.Parse(env, path, source)
}
