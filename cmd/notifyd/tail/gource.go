package tail

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// gourceColours are those of fedmsg-tail --gource. An application has one of them, by its name.
var gourceColours = []string{"FFFFFF", "008F37", "FF680A", "CC4E00", "8F0058", "8F7E00", "37008F", "7E008F"}

// maxGourceLines bounds the lines of one message.
const maxGourceLines = 1000

// Gource prints lines of gource's custom log format, time|user|A|app/object|colour: one for each user and each object
// of a message, or each file of a push. A message without a user or an object has none.
//
//	notifyd tail --gource | gource -i 0 --log-format custom -
func Gource(book *catalogue.Catalogue) Printer {
	return func(w io.Writer, m *bus.Message) error {
		event := book.Describe(m)
		changes := files(event)
		if len(changes) == 0 {
			for _, object := range event.Objects {
				changes = append(changes, change{object, 'A'})
			}
		}
		hash := fnv.New32a()
		io.WriteString(hash, event.App)
		tint := gourceColours[hash.Sum32()%uint32(len(gourceColours))]
		var lines strings.Builder
		for i := range min(len(event.Users)*len(changes), maxGourceLines) {
			user, c := event.Users[i/len(changes)], changes[i%len(changes)]
			fmt.Fprintf(&lines, "%d|%s|%c|%s/%s|%s\n", m.Time.Unix(), field(user), c.action, field(event.App),
				field(c.path), tint)
		}
		if lines.Len() == 0 {
			return nil
		}
		_, err := io.WriteString(w, lines.String())
		return err
	}
}

// field makes a text fit between two bars.
func field(text string) string {
	return Visible(strings.NewReplacer("|", "_", "\n", " ").Replace(text))
}

// A change is one file of a push. The action is A, which gource takes for added or changed, or D for deleted.
type change struct {
	path   string
	action byte
}

// files gives the files of a push, sorted, below the name of their repository: of fedmsg's git (commit.stats.files),
// and of the webhooks of forges (commits with added, modified and removed). None where it is no push.
func files(event *catalogue.Event) []change {
	body := event.Body
	if inner, ok := at(body, []string{"body"}).(map[string]any); ok { // a webhook that a bridge has wrapped
		body = inner
	}
	commits, _ := at(body, []string{"commits"}).([]any)
	if one := at(body, []string{"commit"}); one != nil {
		commits = append(commits[:len(commits):len(commits)], one)
	}
	all := map[string]byte{}
	for _, commit := range commits {
		root := repository(commit, body)
		if root == "" && len(event.Packages) == 1 {
			root = event.Packages[0] + "/"
		}
		stats, _ := at(commit, []string{"stats", "files"}).(map[string]any)
		for name := range stats {
			all[root+name] = 'A'
		}
		for _, of := range []struct {
			key    string
			action byte
		}{{"added", 'A'}, {"modified", 'A'}, {"removed", 'D'}} {
			list, _ := at(commit, []string{of.key}).([]any)
			for _, file := range list {
				if name, ok := file.(string); ok && name != "" {
					all[root+name] = of.action
				}
			}
		}
	}
	var changes []change
	for _, name := range slices.Sorted(maps.Keys(all)) {
		changes = append(changes, change{name, all[name]})
	}
	return changes
}

// repository is the name of the repository of a commit, with a slash behind it; "" where the message has none.
func repository(commit, body any) string {
	text := func(in any, path string) string {
		name, _ := at(in, strings.Split(path, ".")).(string)
		return strings.Trim(name, "/")
	}
	if name := text(commit, "repo"); name != "" {
		return path.Join(text(commit, "namespace"), name) + "/"
	}
	for _, place := range []string{"repository.full_name", "project.path_with_namespace", "repo.fullname"} {
		if name := text(body, place); name != "" {
			return name + "/"
		}
	}
	if name := text(body, "repository.name"); name != "" {
		return path.Join(cmp.Or(text(body, "repository.owner.login"), text(body, "repository.owner.name")), name) + "/"
	}
	if folder := text(commit, "path"); folder != "" { // where it lies on the server
		return strings.TrimSuffix(path.Base(folder), ".git") + "/"
	}
	return ""
}
