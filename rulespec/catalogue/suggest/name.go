package suggest

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
)

// name gives the words of the topic, the first letter large, in the plural where they end with what was done to the
// thing: "Jobs cancelled" for job.cancel.
func (d *draftEntry) name() string {
	var words []string
	for _, word := range d.literals()[1:] {
		words = append(words, parts(word)...)
	}
	if last := len(words) - 1; last > 0 {
		if past := happened(words[last]); past != "" && happened(words[last-1]) == "" {
			words[last-1] = pluralOf(words[last-1])
			if !strings.Contains(past, " ") {
				words[last] = past
			}
		}
	}
	if len(words) == 0 {
		words = []string{"messages", "of", d.app}
	}
	return capital(strings.Join(words, " "))
}

func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// pluralOf gives several of a thing: jobs for job, repositories for repository.
func pluralOf(noun string) string {
	ends := func(suffix string) bool { return strings.HasSuffix(noun, suffix) }
	switch {
	case noun == "" || convention.Singular(noun) != noun || noun == "errata" || ends("s") && !ends("ss") && !ends("us"):
		return noun
	case ends("y") && len(noun) > 1 && !strings.ContainsRune("aeiou", rune(noun[len(noun)-2])):
		return noun[:len(noun)-1] + "ies"
	case slices.ContainsFunc([]string{"s", "x", "z", "ch", "sh"}, ends):
		return noun + "es"
	}
	return noun + "s"
}

// titleOf gives the name of an application on pages, which a person may know better.
func titleOf(app string) string {
	return capital(strings.NewReplacer("-", " ", "_", " ").Replace(app))
}
