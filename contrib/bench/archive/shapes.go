package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed shapes.txt
var shapesText string

// A shape is what messages of one kind look like.
type shape struct {
	weight                      int
	topic                       string
	agent, users, packages, msg []piece
}

// A piece is a text, or a place that is filled in.
type piece struct {
	text   string
	place  string   // p q k l v n rev text; "": the text itself
	size   int      // of text
	choice []string // one of these
}

func readShapes() ([]shape, error) {
	var all []shape
	for i, line := range strings.Split(strings.TrimSpace(shapesText), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, "|", 6)
		if len(fields) != 6 {
			return nil, fmt.Errorf("shapes.txt:%d: six fields were expected", i+1)
		}
		weight, err := strconv.Atoi(fields[0])
		if err != nil {
			return nil, fmt.Errorf("shapes.txt:%d: %w", i+1, err)
		}
		all = append(all, shape{
			weight: weight, topic: fields[1], agent: split(fields[2]), users: split(fields[3]), packages: split(fields[4]),
			msg: split(fields[5]),
		})
	}
	return all, nil
}

// split cuts a text at its places: <p>, <text:300>, <a,b>. Any other < stands for itself.
func split(text string) (pieces []piece) {
	for text != "" {
		before, rest, found := strings.Cut(text, "<")
		name, after, closed := strings.Cut(rest, ">")
		if !found || !closed {
			return append(pieces, piece{text: text})
		}
		p, ok := place(name)
		if !ok {
			before, p, after = before+"<", piece{}, rest
		}
		if before != "" {
			pieces = append(pieces, piece{text: before})
		}
		if ok {
			pieces = append(pieces, p)
		}
		text = after
	}
	return pieces
}

func place(name string) (piece, bool) {
	switch name {
	case "p", "q", "k", "l", "v", "n", "rev":
		return piece{place: name}, true
	}
	if size, ok := strings.CutPrefix(name, "text:"); ok {
		n, err := strconv.Atoi(size)
		return piece{place: "text", size: n}, err == nil
	}
	if strings.Contains(name, ",") && !strings.Contains(name, "<") {
		return piece{choice: strings.Split(name, ",")}, true
	}
	return piece{}, false
}
