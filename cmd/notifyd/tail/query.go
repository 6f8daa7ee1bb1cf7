package tail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// Query prints single values of the envelope: A.B,C prints those at A.B and at C with ", " between them. As in fedmsg a
// value that is missing is None, and a list has no parts to ask for. An object or a list is printed as JSON.
func Query(text string) (Printer, error) {
	var paths [][]string
	for _, path := range strings.Split(text, ",") {
		words := strings.Split(strings.TrimSpace(path), ".")
		for _, word := range words {
			if word == "" {
				return nil, errors.New("expected names such as msg.commit.rev,timestamp")
			}
		}
		paths = append(paths, words)
	}
	return func(w io.Writer, m *bus.Message) error {
		whole, err := checked(m, bus.ParseJSON)
		if err != nil {
			return err
		}
		values := make([]string, len(paths))
		for i, path := range paths {
			if values[i], err = word(at(whole, path)); err != nil {
				return err
			}
		}
		line := strings.ReplaceAll(strings.Join(values, ", "), "\n", " ")
		_, err = fmt.Fprintln(w, Visible(line))
		return err
	}, nil
}

// at is the value at a path; nil where there is none.
func at(value any, path []string) any {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// word writes a value as Python's str does, an object or a list as JSON.
func word(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "None", nil
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	}
	text, err := bus.Canonical(value)
	return string(text), err
}
