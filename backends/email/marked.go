package email

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// What a mail says of marked notices: see backends.Provenance.

// standings are what the marked notices of a parcel are marked as, sorted, and how many are marked so.
func standings(ns []backends.Notice) (words []string, count map[string]int) {
	count = map[string]int{}
	for _, n := range ns {
		if n.Standing == "" {
			continue
		}
		if count[n.Standing]++; count[n.Standing] == 1 {
			words = append(words, n.Standing)
		}
	}
	slices.Sort(words)
	return words, count
}

// subjectMark is what stands in front of the subject, and behind the number of notices in a digest of which only some
// are marked: "[unsigned] ", or " (2 unsigned, 1 wrong signer)".
func subjectMark(ns []backends.Notice) (front, tally string) {
	words, count := standings(ns)
	if len(words) == 1 && count[words[0]] == len(ns) {
		return tag(words[0]), ""
	}
	for i, w := range words {
		words[i] = fmt.Sprintf("%d %s", count[w], w)
	}
	if len(words) > 0 {
		tally = " (" + strings.Join(words, ", ") + ")"
	}
	return "", tally
}

// markedLine says in a digest how many notices are marked; "" where none are.
func markedLine(ns []backends.Notice) string {
	words, count := standings(ns)
	if len(words) == 0 {
		return ""
	}
	marked := 0
	for i, w := range words {
		marked += count[w]
		words[i] = "“" + w + "”"
	}
	are := "are"
	if marked == 1 {
		are = "is"
	}
	return fmt.Sprintf("%d of them %s marked %s: what that means stands below each. Do not rely on these.", marked, are,
		text.Series(words, "or"))
}

// provenance is the value of X-Notifyd-Trust: the standing of a marked notice, or who has signed it.
func provenance(n backends.Notice) []string {
	switch {
	case n.Standing != "":
		return []string{n.Standing}
	case n.Signer != "":
		signer := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(cleanLine(n.Signer, maxName))
		return []string{`signed; by="` + signer + `"`}
	}
	return nil
}

// tag is a word in brackets before a title.
func tag(word string) string {
	if word == "" {
		return ""
	}
	return "[" + word + "] "
}
