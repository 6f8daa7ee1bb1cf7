package zmq

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// A place is one address of one publisher.
type place struct {
	name string
	addr address
	via  string // the domain whose SRV records have named it; "" where it was written down
}

// The bounds on what is found. Every place costs a connection and a goroutine.
const (
	maxEndpointsFile = 1 << 20 // bytes
	maxNames         = 400     // the queues of an Intake are for twice as many and more
	maxPlaces        = 2000
	maxName          = 255 // bytes of a name: that of the DNS
)

// ParseEndpoints reads a list of publishers: names with an address or a list of them, as YAML, or the JSON that
// fedmsg-config prints. Of the latter only the key endpoints is read. In both the name relay_inbound is left out: there
// fedmsg's relay listens for publishers, not for us. The error joins a *yamltext.Error for each mistake.
func ParseEndpoints(text []byte) (map[string]Addresses, error) {
	root, err := yamltext.Parse(text, yamltext.Bounds{Bytes: maxEndpointsFile, Nesting: 50})
	if err != nil {
		return nil, err
	}
	r := &endpointsReader{found: map[string]Addresses{}, lines: map[string]string{}}
	r.Report = func(at yamltext.Position, problem string) {
		r.mistakes = append(r.mistakes, &yamltext.Error{Position: at, Problem: problem})
	}
	if root != nil {
		r.read(root)
	}
	if len(r.mistakes) > maxMistakes {
		more := fmt.Errorf("and %d more mistakes", len(r.mistakes)-maxMistakes)
		r.mistakes = append(r.mistakes[:maxMistakes:maxMistakes], more)
	}
	if err := errors.Join(r.mistakes...); err != nil {
		return nil, err
	}
	return r.found, nil
}

// maxMistakes is how many mistakes of a file an error tells.
const maxMistakes = 10

// An endpointsReader is one reading of a list.
type endpointsReader struct {
	yamltext.Reader
	mistakes []error
	found    map[string]Addresses
	lines    map[string]string // by address: where it was read first
	places   int
}

// inbound is the name by which fedmsg's configuration calls the addresses where its relay listens for publishers.
const inbound = "relay_inbound"

func (r *endpointsReader) read(root ast.Node) {
	whole, isMapping := yamltext.Find(root, "endpoints")
	if _, nested := yamltext.Entries(whole.Value); isMapping && nested {
		root = whole.Value
	}
	for _, e := range r.Mapping(root, "names with addresses were expected, or what fedmsg-config prints") {
		switch {
		case e.Key == inbound:
		case !isName(e.Key):
			r.Report(e.Position(), fmt.Sprintf("a name of 1 to %d visible characters was expected", maxName))
		case len(r.found) == maxNames:
			r.Report(e.Position(), fmt.Sprintf("at most %d names are allowed", maxNames))
			return
		default:
			r.found[e.Key] = r.addresses(e)
		}
	}
}

// addresses reads one address or a list of them, which may be empty.
func (r *endpointsReader) addresses(e yamltext.Entry) Addresses {
	items := []ast.Node{e.Value}
	if list, ok := e.Value.(*ast.SequenceNode); ok {
		items = list.Values
	}
	all := Addresses{}
	for _, item := range items {
		text, ok := r.Text(item, e.Key+": an address such as tcp://host:port, or a list of them, was expected")
		if !ok {
			continue
		}
		at := yamltext.PositionOf(item)
		a, err := parseAddress(text)
		if err != nil {
			r.Report(at, e.Key+": "+err.Error())
			continue
		}
		if first, twice := r.lines[a.String()]; twice {
			r.Report(at, fmt.Sprintf("%s: %s is listed already, in %s", e.Key, a, first))
			continue
		}
		r.lines[a.String()] = at.String()
		if r.places++; r.places > maxPlaces {
			r.Report(at, fmt.Sprintf("at most %d addresses are allowed", maxPlaces))
			return all
		}
		all = append(all, text)
	}
	return all
}

// isName reports whether text can name a publisher in logs and metrics.
func isName(text string) bool {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	return text != "" && len(text) <= maxName && !strings.ContainsFunc(text, hidden)
}
