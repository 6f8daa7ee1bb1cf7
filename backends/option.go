package backends

import (
	"fmt"
	"slices"
	"strings"
)

// An Option is something about the looks of what is sent to an address, which its owner may choose.
type Option struct {
	Name    string // in the store and on the command line: "format"
	Title   string // on the page: "What a mail has in it"
	Choices []Choice
}

// A Choice is one value of an Option. The first of an Option is the default, and is what an address has that says
// nothing.
type Choice struct{ Value, Title string }

// CheckOptions returns what is chosen that is not the default, or what is wrong with it, for whoever chose it.
func (i Info) CheckOptions(chosen map[string]string) (map[string]string, error) {
	kept := map[string]string{}
	for name, value := range chosen {
		at := slices.IndexFunc(i.Options, func(o Option) bool { return o.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("%s has no option %q", i.Title, name)
		}
		choices := i.Options[at].Choices
		which := slices.IndexFunc(choices, func(c Choice) bool { return c.Value == value })
		switch {
		case which < 0:
			var all []string
			for _, c := range choices {
				all = append(all, c.Value)
			}
			return nil, fmt.Errorf("%s: want one of %s, not %q", name, strings.Join(all, ", "), value)
		case which > 0:
			kept[name] = value
		}
	}
	return kept, nil
}
