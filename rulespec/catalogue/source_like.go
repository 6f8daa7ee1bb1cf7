package catalogue

import (
	"slices"
	"strings"
)

// likened gives the sources with the entries of those that are like another: {app: labqa, like: openqa} describes the
// messages of labqa as openqa's entries do those of openqa.
func likened(sources []*appSource) ([]*appSource, []error) {
	var mistakes []error
	out := slices.Clone(sources)
	for i, s := range sources {
		if s.like.text == "" {
			continue
		}
		at := slices.IndexFunc(sources, func(other *appSource) bool { return other.name.text == s.like.text })
		switch {
		case at < 0:
			mistakes = append(mistakes, s.like.at.mistake("like: no application %q in the catalogue", s.like.text))
		case at == i || sources[at].like.text != "":
			mistakes = append(mistakes, s.like.at.mistake("like: %s has no entries of its own to use", s.like.text))
		default:
			out[i] = sources[at].as(s.name).overridden(s)
			out[i].like = located{} // it is done
		}
	}
	return out, mistakes
}

// as gives an application under another name: its topics begin with that, and its kinds. What belongs to the
// application itself stays behind: the rules of classic FMN, the examples.
func (a *appSource) as(name located) *appSource {
	copied := *a
	copied.name, copied.title, copied.roots, copied.entries, copied.pages = name, located{}, nil, nil, nil
	copied.model = a.name.text
	for _, e := range a.entries {
		if e = e.as(a.name.text, name.text); len(e.values["topic"]) > 0 {
			copied.entries = append(copied.entries, e)
		}
	}
	return &copied
}

// asModel gives a topic as the entries know it, which were written for another application.
func (a *app) asModel(topic string) string {
	if a.model == "" {
		return topic
	}
	return a.model + strings.TrimPrefix(topic, a.name)
}

// ownKeys gives keys of objects that name the application which the entries were written for, with the name of this
// one: two services have a job 7 each.
func (a *app) ownKeys(keys []string) []string {
	if a.model == "" {
		return keys
	}
	for i, key := range keys {
		if rest, ok := strings.CutPrefix(key, a.model); ok && rest != "" && strings.IndexByte("/.", rest[0]) >= 0 {
			keys[i] = a.name + rest
		}
	}
	return keys
}

func (e *entrySource) as(old, name string) *entrySource {
	copied := *e
	copied.examples = nil
	copied.values = make(map[string][]located, len(e.values))
	for key, v := range e.values {
		copied.values[key] = v
	}
	delete(copied.values, "classic")
	kind := e.one("kind")
	kind.text = name + "." + strings.TrimPrefix(kind.text, old+".")
	copied.values["kind"] = []located{kind}
	copied.values["topic"] = nil
	for _, topic := range e.values["topic"] {
		if rest, ok := strings.CutPrefix(topic.text, old); ok && (rest == "" || rest[0] == '.') {
			topic.text = name + rest
			copied.values["topic"] = append(copied.values["topic"], topic)
		}
	}
	return &copied
}
