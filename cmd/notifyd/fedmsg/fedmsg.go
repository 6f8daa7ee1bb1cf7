// Package fedmsg makes a configuration of notifyd's of one of fedmsg's, for `notifyd config import --from fedmsg`.
//
// fedmsg's configuration is Python; fedmsg-config prints what it comes to as JSON. Import reads that, and writes the
// sections of YAML that say the same to notifyd. Whatever it cannot carry over becomes a comment there that begins with
// "# !", and says why. So an operator sees everything in one place, and what is written passes `config check` as it is.
package fedmsg

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// MaxConfig bounds a configuration, in bytes. That of Fedora had a tenth of it.
const MaxConfig = 1 << 20

// An importer is one import.
type importer struct {
	yamltext.Reader
	mistakes []string
	keys     map[string]yamltext.Entry // of the configuration, without those that were read
	order    []string
	out      strings.Builder
	open     func(trust.Config) error // whether the files of bus.trust can be used
}

// Import gives sections of notifyd's configuration that say what fedmsg-config printed. It fails only for what is no
// such text.
func Import(printed []byte) ([]byte, error) {
	return importWith(printed, func(c trust.Config) error {
		_, err := trust.Open(c)
		return err
	})
}

func importWith(printed []byte, open func(trust.Config) error) ([]byte, error) {
	root, err := yamltext.Parse(printed, yamltext.Bounds{Bytes: MaxConfig, Nesting: 50})
	if err != nil {
		return nil, err
	}
	if _, isMapping := yamltext.Entries(root); !isMapping {
		return nil, &yamltext.Error{Position: yamltext.PositionOf(root), Problem: "what fedmsg-config prints was expected, " +
			"a JSON object; this is " + yamltext.Describe(root)}
	}
	i := &importer{keys: map[string]yamltext.Entry{}, open: open}
	i.Report = func(at yamltext.Position, problem string) {
		i.mistakes = append(i.mistakes, at.String()+": "+problem)
	}
	for _, e := range i.Mapping(root, "a mapping was expected") {
		i.keys[e.Key] = e
		i.order = append(i.order, e.Key)
	}
	i.line(0, "# What fedmsg-config printed, for notifyd. A line with \"# !\" is for you: it says what was not carried over.")
	i.line(0, "bus:")
	i.zmq()
	i.backlog()
	i.publish()
	i.trust()
	i.rest()
	return []byte(i.out.String()), nil
}

// line writes a line, indented by so many steps.
func (i *importer) line(steps int, format string, args ...any) {
	i.out.WriteString(strings.Repeat("  ", steps))
	fmt.Fprintf(&i.out, format, args...)
	i.out.WriteByte('\n')
}

// remark writes what an operator must look at.
func (i *importer) remark(steps int, format string, args ...any) {
	for l := range strings.Lines(fmt.Sprintf(format, args...)) {
		i.line(steps, "# ! %s", strings.TrimSpace(text.OneLine(l)))
	}
}

// mistakenly writes the mistakes that were found since the last time.
func (i *importer) mistakenly(steps int) {
	for _, m := range i.mistakes {
		i.remark(steps, "%s", m)
	}
	i.mistakes = nil
}

// take gives the value of a key, and notes that it was read. Null counts as absent.
func (i *importer) take(key string) (ast.Node, bool) {
	e, ok := i.keys[key]
	delete(i.keys, key)
	return e.Value, ok && !yamltext.IsEmpty(e.Value)
}

// text gives a key's text; "" where there is none, or something else.
func (i *importer) text(key string) string {
	n, ok := i.take(key)
	if !ok {
		return ""
	}
	text, _ := i.Text(n, key+" should be a text")
	return text
}

// truth gives a key's value: true, false or, where it is absent or something else, "".
func (i *importer) truth(key string) string {
	switch text := i.text(key); strings.ToLower(text) {
	case "true", "1":
		return "true"
	case "false", "0":
		return "false"
	case "":
	default:
		i.mistakes = append(i.mistakes, key+" should be true or false; it is "+quoted(text))
	}
	return ""
}

// texts gives a list of texts, or one text.
func (i *importer) texts(n ast.Node, what string) []string {
	items := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		items = list.Values
	}
	var all []string
	for _, item := range items {
		if text, ok := i.Text(item, what+" should be a text, or a list of them"); ok {
			all = append(all, text)
		}
	}
	return all
}
