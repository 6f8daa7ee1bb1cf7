package suggest

import (
	"strings"
	"unicode"
)

// buildParts gives the key of a build whose name, version and release are fields of one object.
func (d *draftEntry) buildParts(nvr string, message int) []*objectKey {
	for _, v := range d.paths {
		if v.key() != "version" || v.list != "" {
			continue
		}
		parts := map[string]*path{"version": v}
		for _, p := range d.paths {
			if beside(v, p) && (p.key() == "name" || p.key() == "release") {
				parts[p.key()] = p
			}
		}
		name, release := parts["name"], parts["release"]
		if name == nil || release == nil {
			continue
		}
		joined := func(i int) string {
			if name.text(i) == "" || v.text(i) == "" || release.text(i) == "" {
				return ""
			}
			return name.text(i) + "-" + v.text(i) + "-" + release.text(i)
		}
		if joined(message) != nvr {
			continue
		}
		k := &objectKey{reads: []*path{name, v, release}, keys: make([]string, len(d.messages)), expression: `"build/" + ` +
			name.expression + ` + "-" + ` + v.expression + ` + "-" + ` + release.expression}
		for i := range k.keys {
			if nvr := joined(i); nvr != "" {
				k.keys[i] = "build/" + nvr
			}
		}
		return []*objectKey{k}
	}
	return nil
}

// buildField gives the field that names a build by its NVR, as its name and the texts in it say; nil for none.
func (f *fields) buildField() *path {
	var best *path
	for _, p := range f.paths {
		words := parts(p.keys[len(p.keys)-1])
		if p.list != "" || len(words) == 0 || len(p.keys) > 3 || ofAnother(p) || !f.someNVR(p) {
			continue
		}
		if last := words[len(words)-1]; last != "build" && last != "nvr" {
			continue
		}
		if best == nil || len(p.keys) < len(best.keys) {
			best = p
		}
	}
	return best
}

// looksLikeBuild gives a field at the top that holds NVRs and nothing else, though its name says no such thing.
func (f *fields) looksLikeBuild() *path {
	for _, p := range f.paths {
		all := len(p.keys) == 1 && p.list == "" && f.someNVR(p)
		for i := range f.messages {
			text := p.text(i)
			all = all && (text == "" || isNVR(text))
		}
		if all {
			return p
		}
	}
	return nil
}

func (f *fields) someNVR(p *path) bool {
	for i := range f.messages {
		if isNVR(p.text(i)) {
			return true
		}
	}
	return false
}

// isNVR says whether a text is a name, a version and a release: the last two begin with a digit.
func isNVR(s string) bool {
	pieces := strings.Split(s, "-")
	n := len(pieces)
	digit := func(s string) bool { return s != "" && unicode.IsDigit(rune(s[0])) }
	return n >= 3 && pieces[0] != "" && digit(pieces[n-1]) && digit(strings.TrimPrefix(pieces[n-2], "v")) &&
		len(s) <= 200 && !strings.ContainsAny(s, " /:@\t\r\n")
}
