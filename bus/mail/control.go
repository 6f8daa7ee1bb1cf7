package mail

import (
	"regexp"
	"strings"
)

// fieldLine begins a field of control data, such as a .changes file (deb-changes(5)) or the head of a bug report.
var fieldLine = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]{0,60}):(?:[ \t]+(.*))?$`)

// maxFields is the number of fields that are read of a text.
const maxFields = 100

// Field gives a field of the mail's text, with its lines; "" for none. Of a signed text (RFC 9580, 7) only what is
// signed counts. Of fields of one name the first counts.
func (m *Mail) Field(name string) string {
	if m.fields == nil {
		m.fields = control(m.Text())
	}
	return m.fields[strings.ToLower(name)]
}

// control reads the fields of a text.
func control(text string) map[string]string {
	fields := map[string]string{}
	name, lines := "", []string(nil) // of the field that goes on; "": none does
	end := func() {
		if name != "" {
			fields[name] = strings.Join(lines, "\n")
		}
		name = ""
	}
	for line := range strings.SplitSeq(text, "\n") {
		found := fieldLine.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "-----BEGIN PGP SIGNED MESSAGE"):
			clear(fields) // what stands before is somebody else's
			name = ""
		case strings.HasPrefix(line, "-----BEGIN PGP SIGNATURE"):
			end()
			return fields
		case found != nil:
			end()
			next := strings.ToLower(found[1])
			if _, again := fields[next]; !again && len(fields) < maxFields {
				name, lines = next, []string{strings.TrimSpace(found[2])}
			}
		case name != "" && strings.HasPrefix(line, " "):
			lines = append(lines, line)
		default:
			end()
		}
	}
	end()
	return fields
}

// maxRows is the number of rows that are taken of a field.
const maxRows = 200

// rows gives the lines of a field as objects, with the columns that are named; lines of another shape are left out.
func (m *Mail) rows(name string, columns []string) []any {
	list := []any{}
	for line := range strings.SplitSeq(m.Field(name), "\n") {
		words := strings.Fields(line)
		if len(words) != len(columns) || len(words) == 0 {
			continue
		}
		row := map[string]any{}
		for i, column := range columns {
			row[column] = words[i]
		}
		if list = append(list, row); len(list) == maxRows {
			break
		}
	}
	return list
}
