package datagrepper

import (
	"regexp"
	"strconv"
	"strings"
)

// A badRequest is an error for the client, in words.
type badRequest string

// Error implements error.
func (b badRequest) Error() string { return string(b) }

// values are the parameters of a query string, in their order.
type values map[string][]string

// mostPairs bounds the parameters that are read; the server bounds the length of the address.
const mostPairs = 2000

// parseValues reads a query string as Werkzeug does: only & separates, what is no escape stays as it is, and bytes that
// are no UTF-8 become U+FFFD. net/url refuses some of that.
func parseValues(query string) values {
	v := make(values)
	n := 0
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		if n++; n > mostPairs {
			break
		}
		name, value, _ := strings.Cut(pair, "=")
		name = unescape(name)
		v[name] = append(v[name], unescape(value))
	}
	return v
}

func unescape(s string) string {
	if strings.ContainsAny(s, "%+") {
		b := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '+':
				b = append(b, ' ')
			case s[i] == '%' && i+2 < len(s) && hex(s[i+1]) >= 0 && hex(s[i+2]) >= 0:
				b = append(b, byte(hex(s[i+1])<<4|hex(s[i+2])))
				i += 2
			default:
				b = append(b, s[i])
			}
		}
		s = string(b)
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// check refuses values that are out of all bounds.
func (v values) check() error {
	for name, list := range v {
		if len(list) > mostNames {
			return badRequest("at most " + strconv.Itoa(mostNames) + " values of one parameter are taken")
		}
		for _, value := range list {
			if len(value) > mostValue || strings.ContainsRune(value, 0) {
				return badRequest("a value of " + strconv.Quote(clip(name)) + " is longer than " +
					strconv.Itoa(mostValue) + " bytes or holds a NUL")
			}
		}
	}
	return nil
}

func clip(s string) string { return s[:min(len(s), 32)] }

// all gives the values of a parameter, never nil.
func (v values) all(name string) []string { return append([]string{}, v[name]...) }

// first gives the first value of a parameter.
func (v values) first(name string) (value string, given bool) {
	if list := v[name]; len(list) > 0 {
		return list[0], true
	}
	return "", false
}

// pythonInt is what Python's int() reads.
var pythonInt = regexp.MustCompile(`\A\s*([+-]?[0-9]+(?:_[0-9]+)*)\s*\z`)

// number reads a whole number, within int32.
func (v values) number(name string, otherwise int64) (int64, error) {
	value, given := v.first(name)
	if !given {
		return otherwise, nil
	}
	found := pythonInt.FindStringSubmatch(value)
	if found == nil {
		return 0, badRequest(name + " must be a whole number")
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(found[1], "_", ""), 10, 32)
	if err != nil {
		return 0, badRequest(name + " is out of range")
	}
	return n, nil
}

// truth reads true or false, in the spellings of YAML. Anything else is the default, as in datagrepper.
func (v values) truth(name string, otherwise bool) bool {
	value, _ := v.first(name)
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "true", "yes", "on", "y", "t", "1":
		return true
	case "false", "no", "off", "n", "f", "0":
		return false
	}
	return otherwise
}
