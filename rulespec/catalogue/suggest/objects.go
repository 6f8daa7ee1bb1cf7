package suggest

import (
	"slices"
	"strings"
)

// mostKeys is how many objects an entry names at most.
const mostKeys = 4

// An objectKey is an expression for an object, the fields that it reads, and what it gives for each message.
type objectKey struct {
	expression string
	reads      []*path
	keys       []string
}

func (k *objectKey) has(p *path) bool { return slices.Contains(k.reads, p) }

// learnKeys gives the objects of the entry: those that the convention finds, in its words, so that the notices of
// before and after belong to one thread, the builds in fields that are called so, and the thing itself.
func (d *draftEntry) learnKeys() []*objectKey {
	out := d.conventionalKeys()
	read := func(p *path) bool {
		return slices.ContainsFunc(out, func(k *objectKey) bool { return k.has(p) })
	}
	if p := d.buildField(); p != nil && !read(p) {
		out = append(out, d.newKey(`"build/"`, p))
	} else if p := d.looksLikeBuild(); p != nil && p != d.identity && !read(p) {
		out = append(out, d.newKey(`"build/"`, p))
		d.unsure = append(d.unsure, "objects: "+p.expression+" only looks like a build; its name does not say so")
	}
	if p := d.identity; p != nil && !read(p) {
		// the sort of thing that the topic names stands first, what it belongs to behind
		out = append(out, d.identityKey())
	}
	return out[:min(len(out), mostKeys)]
}

// newKey gives the key that begins with a text, in quotes, and ends with fields, with slashes between these.
func (d *draftEntry) newKey(start string, fields ...*path) *objectKey {
	k := &objectKey{expression: start, reads: fields, keys: make([]string, len(d.messages))}
	for i, p := range fields {
		switch {
		case i == 0 && len(fields) == 1:
			k.expression += " + " + p.expression
		case i == 0:
			k.expression += " + " + d.asText(p)
		default:
			k.expression += ` + "/" + ` + p.expression
		}
	}
	for i := range d.messages {
		key := strings.Trim(start, `"`)
		for j, p := range fields {
			text := d.nameAt(p, i)
			if text == "" {
				key = ""
				break
			}
			if j > 0 {
				key += "/"
			}
			key += text
		}
		k.keys[i] = key
	}
	return k
}

// asText gives the name of a field that may be an object, such as a repository.
func (d *draftEntry) asText(p *path) string {
	for i := range d.messages {
		if p.text(i) == "" && d.nameAt(p, i) != "" {
			return "name(" + p.expression + ")"
		}
	}
	return p.expression
}

// conventionalKeys gives keys that are those of the convention wherever it finds one.
func (d *draftEntry) conventionalKeys() []*objectKey {
	var out []*objectKey
	left := make([][]string, len(d.events))
	for i, e := range d.events {
		left[i] = slices.Clone(e.Objects)
	}
	for len(out) < mostKeys {
		var best *objectKey
		most := 0
		for i := range left {
			for _, key := range left[i] {
				for _, k := range d.keysLike(key, i) {
					if n := d.rightness(k, left); n > most || n == most && best != nil && keyRank(k) < keyRank(best) {
						best, most = k, n
					}
				}
			}
		}
		if best == nil {
			break
		}
		out = append(out, best)
		for i := range left {
			left[i] = slices.DeleteFunc(left[i], func(key string) bool { return key == best.keys[i] })
		}
	}
	return out
}

// rightness says in how many messages more a key is one that is wanted still, than one that is wrong.
func (d *draftEntry) rightness(k *objectKey, left [][]string) int {
	n := 0
	for i, key := range k.keys {
		switch {
		case slices.Contains(left[i], key):
			n += 2
		case key != "" && len(d.events[i].Objects) > 0 && !slices.Contains(d.events[i].Objects, key):
			n -= 2
		}
	}
	return n
}

// keyRank prefers fields that are called as identities are, then those near the top.
func keyRank(k *objectKey) int {
	rank := 0
	for _, p := range k.reads {
		name, _ := idName(p)
		if !slices.Contains(idFields, name) {
			rank += 10
		}
		if ofAnother(p) {
			rank += 5
		}
		rank += len(p.keys)
	}
	return rank
}

// keysLike gives the keys that are what is wanted in a message: a text and up to three fields, such as a project, a
// repository and a number, or a text and the three parts of a build's name.
func (d *draftEntry) keysLike(want string, message int) []*objectKey {
	sort, rest, ok := strings.Cut(want, "/")
	if !ok {
		return nil
	}
	start := sort + "/"
	if after, ok := strings.CutPrefix(rest, d.app+"/"); ok && after != "" {
		start, rest = start+d.app+"/", after
	}
	start = quoteExpression(start)
	var out []*objectKey
	for _, fields := range d.dividedInto(rest, message, 3) {
		k := d.newKey(start, fields...)
		if out = append(out, k); len(fields) == 2 && d.lacks(k) {
			out = append(out, d.optionalPlace(start, k))
		}
	}
	if sort == "build" && len(out) == 0 {
		out = d.buildParts(rest, message)
	}
	return out
}

// lacks says whether some message has the number of a key and not the place that it is counted in.
func (d *draftEntry) lacks(k *objectKey) bool {
	for i, key := range k.keys {
		if key == "" && d.nameAt(k.reads[1], i) != "" {
			return true
		}
	}
	return false
}

// optionalPlace gives a key of a place and a number for messages some of which have no place.
func (d *draftEntry) optionalPlace(start string, k *objectKey) *objectKey {
	place, number := k.reads[0], k.reads[1]
	at := d.asText(place)
	optional := &objectKey{reads: k.reads, keys: slices.Clone(k.keys),
		expression: start + " + (" + at + " ? " + at + ` + "/" : "") + ` + number.expression}
	for i, key := range optional.keys {
		if n := d.nameAt(number, i); key == "" && n != "" {
			optional.keys[i] = strings.Trim(start, `"`) + n
		}
	}
	return optional
}

// dividedInto gives the fields that have a text in a message, with slashes between them: at most so many, the last the
// number that stands behind the last slash.
func (d *draftEntry) dividedInto(text string, message, most int) [][]*path {
	var out [][]*path
	for _, p := range d.withText(text, message) {
		out = append(out, []*path{p})
	}
	i := strings.LastIndex(text, "/")
	if i <= 0 || most < 2 {
		return out
	}
	if ends := d.withText(text[i+1:], message); len(ends) > 0 {
		for _, before := range d.dividedInto(text[:i], message, most-1) {
			for _, end := range ends {
				out = append(out, append(slices.Clone(before), end))
			}
		}
	}
	return out
}

// withText gives the fields that have a text in a message.
func (d *draftEntry) withText(text string, message int) []*path {
	const most = 8
	var out []*path
	for _, p := range d.paths {
		if p.list == "" && len(out) < most && d.nameAt(p, message) == text {
			out = append(out, p)
		}
	}
	return out
}
