package zmq

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// maxFiles is how many files a folder of endpoints may have.
const maxFiles = 200

// endpointsFiles is the source of the publishers that a file lists, or the files of a folder, in the order of their
// names. "" lists nobody.
func endpointsFiles(path string) watch.Source[[]place] {
	source := watch.Source[[]place]{
		Name:    "bus.zmq.endpoints_file",
		File:    path,
		Read:    func() (watch.Content[[]place], error) { return readEndpoints(path) },
		Figures: func(found []place) []any { return []any{"addresses", len(found)} },
	}
	if path != "" {
		source.Look = func() ([]fs.FileInfo, error) { return lookAtEndpoints(path) }
	}
	return source
}

// listed gives the files that path stands for: itself, or what a folder has of YAML and JSON.
func listed(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path) // in the order of their names
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		known := slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(e.Name()))
		if known && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) > maxFiles {
		return nil, fmt.Errorf("%s has %d files; at most %d are allowed", path, len(files), maxFiles)
	}
	return files, nil
}

func lookAtEndpoints(path string) ([]fs.FileInfo, error) {
	files, err := listed(path)
	if err != nil {
		return nil, err
	}
	infos := make([]fs.FileInfo, len(files))
	for i, file := range files {
		if infos[i], err = os.Stat(file); err != nil {
			return nil, err
		}
	}
	return infos, nil
}

func readEndpoints(path string) (watch.Content[[]place], error) {
	var files []string
	var texts [][]byte
	sum := sha256.New()
	if path != "" {
		var err error
		if files, err = listed(path); err != nil {
			return watch.Content[[]place]{}, err
		}
	}
	for _, file := range files {
		text, err := readBounded(file)
		if err != nil {
			return watch.Content[[]place]{}, err
		}
		texts = append(texts, text)
		fmt.Fprintf(sum, "%s %d ", file, len(text))
		sum.Write(text)
	}
	return watch.Content[[]place]{
		Sum:  [sha256.Size]byte(sum.Sum(nil)),
		Make: func() ([]place, error) { return placesOf(files, texts) },
	}, nil
}

// readBounded reads a file; of one that is too long a byte more than is allowed.
func readBounded(name string) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe that nobody writes to is empty
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxEndpointsFile+1))
}

// placesOf gives the places that the files list. A name, and an address, may be in one of them only.
func placesOf(files []string, texts [][]byte) ([]place, error) {
	var all []place
	var errs []error
	names, addrs := map[string]string{}, map[string]string{}
	for i, file := range files {
		found, err := ParseEndpoints(texts[i])
		if err != nil {
			errs = append(errs, inFile(file, err)...)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(found)) {
			if first, twice := names[name]; twice {
				errs = append(errs, fmt.Errorf("%s: %s is named in %s already", file, name, first))
			}
			names[name] = file
			for _, text := range found[name] {
				a, err := parseAddress(text)
				if err != nil {
					return nil, err // ParseEndpoints takes no such address
				}
				if first, twice := addrs[a.String()]; twice {
					errs = append(errs, fmt.Errorf("%s: %s: %s is listed in %s already", file, name, a, first))
				}
				addrs[a.String()] = file
				all = append(all, place{name: name, addr: a})
			}
		}
	}
	if len(names) > maxNames || len(all) > maxPlaces {
		errs = append(errs, fmt.Errorf("%d names with %d addresses in all files; at most %d and %d are allowed",
			len(names), len(all), maxNames, maxPlaces))
	}
	return all, errors.Join(errs...)
}

// inFile says of each mistake in which file it is.
func inFile(file string, err error) []error {
	var all []error
	for _, mistake := range mistakesOf(err) {
		var at *yamltext.Error
		if errors.As(mistake, &at) {
			all = append(all, fmt.Errorf("%s: %s", at.In(file), at.Problem))
		} else {
			all = append(all, fmt.Errorf("%s: %w", file, mistake))
		}
	}
	return all
}

// mistakesOf gives the errors that are joined in err.
func mistakesOf(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
