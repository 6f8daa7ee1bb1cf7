package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// inFile adds file, line and column to an error. It leaves out the lines that the YAML library quotes: they may hold
// a password.
func (f *File) inFile(err error) error {
	var m mismatch
	if errors.As(err, &m) {
		return f.mistakeAt(m.node, m.text)
	}
	var wrong *yamltext.Error
	if errors.As(err, &wrong) {
		return mistake{wrong.Position.In(f.name), wrong.Problem}
	}
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil {
		at := e.GetToken().Position
		return mistake{yamltext.Position{Line: at.Line, Column: at.Column}.In(f.name), e.GetMessage()}
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// mistakeAt is a mistake at the position of a node.
func (f *File) mistakeAt(node ast.Node, text string) mistake {
	return mistake{yamltext.PositionOf(node).In(f.name), text}
}

// InSection adds positions to the errors of a section. The text of each error begins with the key that is wrong
// ("tls: …", "networks[0].nick: …"). Its position is the key's line, the variable that set it, or the line of the
// section where the key is missing.
func (f *File) InSection(section string, err error) error {
	var already mistake
	if err == nil || errors.As(err, &already) {
		return err
	}
	var errs []error
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSuffix(line, "\n")
		position := f.positionOf(section, line)
		if section != "" {
			line = section + ": " + strings.TrimPrefix(line, section[strings.LastIndex(section, ".")+1:]+": ")
		}
		if position == "" {
			errs = append(errs, errors.New(line))
			continue
		}
		errs = append(errs, mistake{position, line})
	}
	return errors.Join(errs...)
}

// positionOf follows the keys that text begins with into the file, as far as they exist, and returns the position of
// the last.
func (f *File) positionOf(section, text string) string {
	var path []string
	position := ""
	descend := func(key string) { // a missing key has no position, and neither has any key below it
		path = append(path, key)
		if at, ok := yamltext.Find(f.root, path...); ok {
			position = at.Position().In(f.name)
		}
	}
	if section != "" {
		for _, key := range strings.Split(section, ".") {
			descend(key)
		}
		text = strings.TrimPrefix(text, path[len(path)-1]+": ")
	}
	words := strings.Split(text, ": ")
	for _, word := range words[:len(words)-1] {
		for keys := strings.Split(strings.ReplaceAll(word, "[", ".["), "."); len(keys) > 0; {
			n := f.dotted(path, keys)
			descend(strings.Join(keys[:n], "."))
			keys = keys[n:]
			if variable := f.variableOf(path); variable != "" {
				return "environment " + variable
			}
		}
	}
	return position
}

// dotted gives how many of keys are one key of the file below path, as names of endpoints and patterns of topics have
// dots: the most that are; 1 where none are.
func (f *File) dotted(path, keys []string) int {
	for n := len(keys); n > 1; n-- {
		if _, ok := yamltext.Find(f.root, append(path[:len(path):len(path)], strings.Join(keys[:n], "."))...); ok {
			return n
		}
	}
	return 1
}

// variableOf names the variable of the environment that sets path.
func (f *File) variableOf(path []string) string {
	for _, o := range f.environ {
		if strings.Join(o.path, ".") == strings.Join(path, ".") {
			return o.variable
		}
	}
	return ""
}
