package obs

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/notifyd/notifyd/directory"
)

// The roles that own something.
const (
	bugowner   = "bugowner"
	maintainer = "maintainer"
)

// A holder is a person or a group in a role.
type holder struct {
	User  string `xml:"userid,attr"`
	Group string `xml:"groupid,attr"`
	Role  string `xml:"role,attr"`
}

// A meta describes a package or a project.
type meta struct {
	Name    string   `xml:"name,attr"`
	Project string   `xml:"project,attr"` // of a package
	Persons []holder `xml:"person"`
	Groups  []holder `xml:"group"`
	Devel   struct {
		Project string `xml:"project,attr"`
		Package string `xml:"package,attr"` // "": of the same name
	} `xml:"devel"`
}

// A collection is the answer to a search.
type collection struct {
	XMLName  xml.Name `xml:"collection"`
	Matches  *int     `xml:"matches,attr"`
	Packages []meta   `xml:"package"`
}

// A members is a group with the people in it.
type members struct {
	XMLName xml.Name `xml:"group"`
	Title   string   `xml:"title"`
	Persons []struct {
		User string `xml:"userid,attr"`
	} `xml:"person>person"`
}

// owners returns who holds a role that owns something, each once, people before groups.
func (m *meta) owners(role string) []directory.Owner {
	var all []directory.Owner
	seen := map[string]bool{}
	add := func(name, has string) {
		if has == role && projectName.MatchString(trimAt(name)) && !seen[name] {
			seen[name] = true
			all = append(all, directory.Owner{Name: name, Role: role})
		}
	}
	for _, p := range m.Persons {
		add(p.User, p.Role)
	}
	for _, g := range m.Groups {
		add("@"+g.Group, g.Role)
	}
	return all
}

func trimAt(name string) string {
	if len(name) > 0 && name[0] == '@' {
		return name[1:]
	}
	return name
}

// decode reads one XML document, and nothing but one.
func decode(text []byte, into any) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the answer is not the XML that was expected: %w", err)
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if _, begins := token.(xml.StartElement); begins || err != nil {
			return errors.New("the answer is not one XML document")
		}
	}
}
