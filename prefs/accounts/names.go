package accounts

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.mau.fi/util/confusable"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// names.go says which names there are. All of it is pure.
//
// A name that a provider or the directory gives is taken as it is, since messages on the bus have it so: Clean refuses
// only what no account has. A name that a person chooses is held to more: see Choose. Two names are the same when Fold
// makes them the same.

// The bounds on names, in bytes.
const (
	MaxName   = 100 // of any name
	MaxChosen = 64
)

// A NameError says what is wrong with a name. Problem goes on after "the name ": "is reserved".
type NameError struct{ Problem string }

// Error returns the mistake as a clause.
func (e *NameError) Error() string { return "the name " + e.Problem }

func badName(format string, args ...any) error { return &NameError{fmt.Sprintf(format, args...)} }

// Fold returns a name as names are compared: NFKC (UAX 15), small letters, without blanks around it. Folding again
// changes nothing.
func Fold(name string) string {
	for range 3 { // small letters may decompose, and the other way round
		folded := strings.TrimSpace(norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(name)))))
		if folded == name {
			break
		}
		name = folded
	}
	return name
}

// FoldAddress returns an address as mailboxes are compared: BOB@example.org and bob@example.org are one. What is no
// mail address stays as it is.
func FoldAddress(address string) string {
	if !strings.Contains(address, "@") || strings.Contains(address, "://") {
		return address
	}
	return strings.ToLower(address)
}

// Skeleton returns what a name looks like: names with the same skeleton may be taken for one another. It is the
// skeleton of UTS 39, section 4 (https://www.unicode.org/reports/tr39/#Confusable_Detection), of the folded name in
// which digits that stand for letters are those letters; of the result small letters, and i as l, which 1 stands for
// both.
//
// Words look alike too: modern and modem have one skeleton. So it is only asked together with Mistakable.
func Skeleton(name string) string {
	name = Fold(name)
	if last := strings.LastIndexFunc(name, unicode.IsLetter); last >= 0 {
		name = insideLetters.Replace(name[:last]) + name[last:] // user5 is the fifth user
	}
	letters := digitLetters.Replace(name)
	return strings.ReplaceAll(strings.ToLower(confusable.Skeleton(letters)), "i", "l")
}

// digitLetters are the digits that look like letters; insideLetters those that stand for letters within a word.
var (
	digitLetters  = strings.NewReplacer("0", "o", "1", "l", "|", "l")
	insideLetters = strings.NewReplacer("3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "9", "g")
)

// Mistakable reports whether a name would pass for another: they look alike, and differ in their scripts or in digits
// that stand for letters. Where both are words, such as modern and modem, it is no trick.
func Mistakable(name, other string) bool {
	if max(len(name), len(other)) > 4*MaxName {
		return name == other // neither is a name
	}
	name, other = Fold(name), Fold(other)
	if name == other || Skeleton(name) != Skeleton(other) {
		return name == other
	}
	return !slices.Equal(scriptsOf(name), scriptsOf(other)) || digitsOf(name) != digitsOf(other)
}

// scriptsOf returns the scripts of the letters of a name, sorted.
func scriptsOf(name string) []string {
	var found []string
	for _, r := range name {
		if !unicode.IsLetter(r) || r < utf8.RuneSelf && slices.Contains(found, "Latin") {
			continue
		}
		for script, table := range unicode.Scripts {
			if unicode.Is(table, r) && !slices.Contains(found, script) {
				found = append(found, script)
			}
		}
	}
	slices.Sort(found)
	return found
}

// digitsOf returns the digits of a name, and | which is read as a letter too.
func digitsOf(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) || r == '|' {
			return r
		}
		return -1
	}, name)
}

// Clean returns a name that a provider, the directory or an operator gives, without blanks around it. It refuses only
// what no account on the bus has.
func Clean(name string) (string, error) {
	name = norm.NFC.String(strings.TrimSpace(name))
	switch {
	case name == "":
		return "", badName("is missing")
	case len(name) > MaxName:
		return "", badName("is longer than %d bytes", MaxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, oddInName):
		return "", badName("%q has characters that no account has; letters, digits and . _ + - @ may be", name)
	case strings.HasPrefix(name, "@"):
		return "", badName("%q begins with @, which marks groups and @me", name)
	case isPseudo(name):
		return "", badName("%q stands for nobody", name)
	}
	return name, nil
}

func oddInName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("._+-@", r)
}

// Choose returns a name that a person has chosen, folded, where they may: it has the letters that everybody can type,
// is not reserved, and would pass neither for a reserved name nor for one of others, such as those of operators.
func Choose(name string, others ...string) (string, error) {
	if len(name) <= 4*MaxName {
		name = Fold(name)
	}
	switch {
	case name == "":
		return "", badName("is missing")
	case len(name) > MaxChosen:
		return "", badName("is longer than %d characters", MaxChosen)
	case isReserved(name):
		return "", badName("%q is reserved, or looks like one that is", name)
	case strings.ContainsFunc(name, notChosen):
		return "", badName("%q has characters that a chosen name may not have; a to z, digits and . _ - may be", name)
	case strings.Trim(name, "._-") != name:
		return "", badName("%q begins or ends with a sign; expected a letter or a digit there", name)
	case isSite(name):
		return "", badName("%q looks like the address of a web site", name)
	}
	for _, other := range others {
		if Mistakable(name, other) {
			return "", badName("%q looks like the name of somebody else", name)
		}
	}
	return name, nil
}

func notChosen(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
}

// isSite reports whether mail programs would make a link of a name.
func isSite(name string) bool {
	if strings.HasPrefix(name, "www.") {
		return true
	}
	suffix, known := publicsuffix.PublicSuffix(name)
	return known && strings.Contains(name, ".") && suffix != name
}
