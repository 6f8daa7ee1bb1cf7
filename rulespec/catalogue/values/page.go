package values

import (
	"net/url"
	"slices"
	"strings"
)

// PageKeys are the names of fields that hold the address of a page for people, the surest first. A point leads into an
// object, and through a list to its first element.
var PageKeys = []string{"html_url", "links.html.href", "_links.html.href", "_links.web.href", "links.web.href",
	"web_url", "weburl", "htmlurl", "links.self.href", "run.url", "permalink", "permalink_url", "notify_url", "page_url",
	"page", "full_url", "meta.uri", "title_url", "view_url", "browse_url", "compare_url", "compare", "build_url",
	"job_url", "run_url", "details_url", "detail_url", "result_url", "target_url", "report_url", "ticket_url",
	"jenkins_build_url", "url", "link", "links", "uri", "href", "ref_url", "archived-at", "archived_at", "homepage",
	"website", "web"}

// notPages are parts of the names of fields whose addresses are no pages about what happened.
var notPages = []string{"avatar", "icon", "image", "logo", "picture", "photo", "badge", "clone", "git_", "ssh", "svn",
	"api", "archive_", "archive", "tarball", "zipball", "download", "callback", "hook", "docs", "documentation", "help",
	"contact", "rebuild", "schema", "raw", "source", "mirror", "upload", "token", "stream", "remote", "ecosystem",
	"repository_url", "baseurl", "base_url", "server_url", "instance_url", "xunit", "artifact", "owner_url", "user_url",
	"author_url", "profile", "email", "keys_url", "repos"}

// The ranks of links: below rankOther those under the names of PageKeys.
const (
	rankOther = 100 // under another name that ends in url
	RankWeak  = 200 // from here on no page about what happened, but better than nothing
	rankFront = 200 // the front page of a host
	rankLog   = 300 // a log
)

// RankPage says how good a link under a key is for people who want to see what happened; a smaller rank is better. It
// gives false for what is no page: the address of an API, a picture, an archive, a repository to clone, an address
// without a host or with a part missing. A key may lead into objects: links.html.href.
func RankPage(key, link string) (rank int, ok bool) {
	key = strings.ToLower(key)
	rank = slices.Index(PageKeys, key)
	switch {
	case rank >= 0:
	case containsAny(key, notPages):
		return 0, false
	case strings.HasSuffix(key, "url") || strings.HasSuffix(key, "link") || strings.HasSuffix(key, "uri"):
		rank = rankOther
	case key == "log" || strings.HasPrefix(key, "log_"):
		rank = rankLog
	default:
		return 0, false
	}
	u, err := url.Parse(link)
	if err != nil || Link(link) == "" || !isWhole(u, link) {
		return 0, false
	}
	return rankOf(u, rank)
}

// sure are how many of PageKeys name a page whatever its address looks like.
const sure = 8

// homes is where in PageKeys the names begin of what is the page of a project at best.
var homes = slices.Index(PageKeys, "homepage")

func rankOf(u *url.URL, rank int) (int, bool) {
	path := strings.ToLower(u.Path)
	switch {
	case hasSuffixOf(path, ".git", ".png", ".svg", ".jpg", ".jpeg", ".gif", ".ico", ".json", ".xml", ".tar.gz", ".zip"):
		return 0, false
	case rank >= sure && isAPI(u.Hostname(), path):
		return 0, false
	case rank >= homes && rank < len(PageKeys):
		return max(rank, rankFront), true
	case strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "":
		return max(rank, rankFront), true
	case hasSuffixOf(path, ".log", ".log.gz", ".txt", "/console", "/consoletext", "/consolefull", "/log"):
		return max(rank, rankLog), true
	}
	return rank, true
}

// isAPI says whether an address is for programs.
func isAPI(host, path string) bool {
	if strings.HasPrefix(strings.ToLower(host), "api.") {
		return true
	}
	path += "/"
	for _, part := range []string{"/api/", "/_apis/", "/rest/", "/graphql/"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return len(path) > 3 && path[1] == 'v' && path[2] >= '0' && path[2] <= '9' && path[3] == '/'
}

// isWhole says whether no part of an address is missing: nothing between two slashes, no value at its end, no word of a
// program for nothing.
func isWhole(u *url.URL, link string) bool {
	return !strings.Contains(u.Path, "//") && HasAllParts(u, link)
}

// HasAllParts says so but for two slashes, which a sender may mean.
func HasAllParts(u *url.URL, link string) bool {
	if strings.ContainsAny(link, "{}") || strings.HasSuffix(link, "=") || strings.HasSuffix(link, "#") {
		return false
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "null" || part == "None" || part == "undefined" {
			return false
		}
	}
	return true
}

// Page gives the best link among an object's own fields by RankPage, with its rank; "" where there is none.
func Page(object map[string]any) (link string, rank int) {
	try := func(key string, v any) {
		s := pageText(v)
		if found, ok := RankPage(key, s); ok && (link == "" || found < rank || found == rank && s < link) {
			link, rank = s, found
		}
	}
	for _, key := range PageKeys {
		if strings.Contains(key, ".") {
			try(key, lead(object, key))
		}
	}
	isText := func(v any) bool { s, ok := v.(string); return ok && strings.Contains(s, "://") }
	for _, key := range FirstKeys(object, maxPages, isText) {
		try(key, object[key])
	}
	return Link(link), rank
}

// maxPages is how many fields of an object are looked at for a link.
const maxPages = 100

// lead follows a key with points into objects, through lists by their first element.
func lead(v any, key string) any {
	for part := range strings.SplitSeq(key, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		if v = object[part]; v == nil {
			return nil
		}
		if list, ok := v.([]any); ok {
			v = Item(list, 0)
		}
	}
	return v
}

// pageText gives the address in a text, without the angle brackets that mail puts around it.
func pageText(v any) string {
	s, _ := v.(string)
	if len(s) > MaxLink {
		return ""
	}
	s = strings.TrimSpace(s)
	if inner, ok := strings.CutPrefix(s, "<"); ok {
		s = strings.TrimSuffix(inner, ">")
	}
	return s
}

func containsAny(s string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(s, part) })
}

func hasSuffixOf(s string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(s, suffix) })
}
