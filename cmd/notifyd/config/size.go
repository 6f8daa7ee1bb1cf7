package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// A Size is a number of bytes. In the file it is a whole number, or one with a unit: 500MB, 10GiB.
type Size int64

var units = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// UnmarshalYAML reads a number or a text with a unit.
func (s *Size) UnmarshalYAML(unmarshal func(any) error) error {
	var number int64
	if unmarshal(&number) == nil {
		*s = Size(number)
		return nil
	}
	var text string
	if err := unmarshal(&text); err != nil {
		return fmt.Errorf("a number of bytes, such as 500MB or 10GiB, was expected: %w", err)
	}
	size, err := ParseSize(text)
	if err == nil {
		*s = size
	}
	return err
}

// ParseSize reads a whole number, with or without a unit.
func ParseSize(text string) (Size, error) {
	digits, factor := text, int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			digits, factor = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > math.MaxInt64/factor || n < math.MinInt64/factor || len(digits) > 1 && digits[0] == '0' {
		return 0, fmt.Errorf("%q; expected a number of bytes, such as 500MB or 10GiB", text)
	}
	return Size(n * factor), nil
}

func mismatchesOfSize(node ast.Node) []mismatch {
	text, ok := yamltext.Text(node)
	if ok {
		_, err := ParseSize(text)
		ok = err == nil
	}
	return unless(ok || node.Type() == ast.NullType || node.Type() == ast.IntegerType && !octal(node), node,
		"a number of bytes, such as 10737418240, 500MB or 10GiB")
}
