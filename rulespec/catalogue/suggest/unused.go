package suggest

import (
	"fmt"
	"slices"
	"strings"
)

// writeUnused lists fields that the entry does not read, and says how many more there are.
func (d *draftEntry) writeUnused(b *strings.Builder) {
	const most = 12
	unused := d.unused(b.String())
	if len(unused) == 0 {
		return
	}
	more := ""
	if n := len(unused) - most; n > 0 {
		unused, more = unused[:most], fmt.Sprintf(" and %d more", n)
	}
	fmt.Fprintf(b, "    # not used: %s%s\n", quoteYAML(strings.Join(unused, ", ")), more)
}

// unused lists fields that the entry does not read. A field whose name is a number is the id of something, and no other
// message has it.
func (d *draftEntry) unused(written string) []string {
	own := written[strings.LastIndex(written, "  - topic:"):]
	for _, c := range append(slices.Clone(d.actor), d.who...) {
		own += c.expression()
	}
	var out []string
	for _, p := range d.paths {
		some := false
		for i := range d.messages {
			some = some || p.text(i) != ""
		}
		if some && p.list == "" && len(p.keys) <= 3 && !slices.ContainsFunc(p.keys, isDigits) &&
			!strings.Contains(own, p.expression) && !readWhole(own, p) {
			out = append(out, p.expression)
		}
	}
	return out
}

// readWhole says whether an expression reads the object that the field is in, as account(msg.owner) reads its name.
func readWhole(own string, p *path) bool {
	if len(p.keys) < 2 {
		return false
	}
	object := strings.TrimSuffix(p.expression, "."+p.keys[len(p.keys)-1])
	return strings.Contains(own, "("+object+")")
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
