package catalogue

import (
	"fmt"
	"slices"
	"strings"
)

// A Keyword says in one word what sort of thing a message tells, across all applications. There are a dozen, so that a
// person can choose by them without reading the list of kinds.
type Keyword string

// The keywords.
const (
	KeywordBuild          Keyword = "build"          // something was built, or was not
	KeywordTest           Keyword = "test"           // a check of a build, a commit or an update
	KeywordUpdate         Keyword = "update"         // a package's update on its way to its users
	KeywordReview         Keyword = "review"         // a proposed change: pull and merge requests, code reviews
	KeywordCommit         Keyword = "commit"         // a change of a repository
	KeywordTicket         Keyword = "ticket"         // an issue or a bug
	KeywordDiscussion     Keyword = "discussion"     // mail, forums, chats, comments elsewhere than on tickets and reviews
	KeywordMembership     Keyword = "membership"     // accounts, groups, roles, stars, badges
	KeywordRelease        Keyword = "release"        // a new version, a tag, a compose that is published
	KeywordSecurity       Keyword = "security"       // advisories, alerts, leaks
	KeywordInfrastructure Keyword = "infrastructure" // deployments, hosts, mirrors, service accounts
	KeywordOther          Keyword = "other"          // everything else
)

// Keywords lists all of them, in the order of pages.
var Keywords = []Keyword{KeywordBuild, KeywordTest, KeywordUpdate, KeywordReview, KeywordCommit, KeywordTicket,
	KeywordDiscussion, KeywordMembership, KeywordRelease, KeywordSecurity, KeywordInfrastructure, KeywordOther}

// Words gives what a message of that keyword is about, for a sentence: "a build".
func (k Keyword) Words() string {
	switch k {
	case KeywordSecurity, KeywordInfrastructure:
		return string(k)
	case KeywordUpdate:
		return "an update"
	case KeywordOther:
		return "something else"
	}
	return "a " + string(k)
}

// Quiet reports a sort of thing that the filters of a new account leave out: what most people do not wait for.
func (k Keyword) Quiet() bool {
	return k == KeywordDiscussion || k == KeywordMembership || k == KeywordInfrastructure
}

// ParseKeyword reads a keyword, in any case.
func ParseKeyword(s string) (Keyword, error) {
	word := Keyword(strings.ToLower(strings.TrimSpace(s)))
	if !slices.Contains(Keywords, word) {
		all := make([]string, len(Keywords))
		for i, k := range Keywords {
			all[i] = string(k)
		}
		return "", fmt.Errorf("unknown keyword %q: want one of %s", s, strings.Join(all, ", "))
	}
	return word, nil
}
