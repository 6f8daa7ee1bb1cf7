package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// inFile gives an error of the YAML library its file, line and column, without the lines that it quotes: they may hold
// a password.
func (f *File) inFile(err error) error {
	var m mismatch
	if errors.As(err, &m) {
		return mistake{f.position(m.node.GetToken()), m.text}
	}
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil {
		return mistake{f.position(e.GetToken()), e.GetMessage()}
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// InSection gives the errors of a section, whose texts begin with the key that is wrong ("tls: …", "networks[0].nick: …"),
// the position of that key: its line, the variable that set it, or the line of the section where the key is missing.
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

// positionOf follows the words of text that name keys into the file as far as they lead.
func (f *File) positionOf(section, text string) string {
	var path []string
	var node ast.Node = f.root
	position := ""
	descend := func(key string) { // what is not there leads nowhere, and nothing below it either
		path = append(path, key)
		var at ast.Node
		if node, at = childOf(node, key); node != nil {
			position = f.position(at.GetToken())
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
		for _, key := range strings.Split(strings.ReplaceAll(word, "[", ".["), ".") {
			descend(key)
			if variable := f.variableOf(path); variable != "" {
				return "environment " + variable
			}
		}
	}
	return position
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

// childOf gives the value of a key of a mapping, or of an index "[2]" of a list, and the node that marks its position.
func childOf(node ast.Node, key string) (value, at ast.Node) {
	if list, ok := node.(*ast.SequenceNode); ok {
		i, err := strconv.Atoi(strings.Trim(key, "[]"))
		if err != nil || i < 0 || i >= len(list.Values) {
			return nil, nil
		}
		return list.Values[i], list.Values[i]
	}
	m, ok := asMapping(node)
	if node == nil || !ok {
		return nil, nil
	}
	for _, v := range m.Values {
		if keyOf(v) == key {
			return v.Value, v.Key
		}
	}
	return nil, nil
}
