package language

import (
	"net/url"
	"path"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// functions are all functions of expressions and sentences, sorted by name.
var functions = []function{
	{Name: "account", Args: "name", Min: 1, Max: 1, Accounts: true, call: accountFunction,
		Doc: "the account of a nick, mail address or OpenID URL, by the map of accounts; where that does not know it, the OpenID's nick, the name part of a project address, or the name as it is"},
	{Name: "add", Args: "a, b", Min: 2, Max: 2, call: addFunction, Doc: "the sum of numbers, otherwise both texts joined; what + does"},
	{Name: "address", Args: "from", Min: 1, Max: 1, call: ofText(values.Address), Doc: "the address in \"Alice <alice@example.org>\""},
	{Name: "after", Args: "text, mark", Min: 2, Max: 2, call: ofTexts(after), Doc: "what follows the first mark; nothing where there is none"},
	{Name: "after_last", Args: "text, mark", Min: 2, Max: 2, call: ofTexts(afterLast), Doc: "what follows the last mark; the whole text where there is none"},
	{Name: "avatar", Args: "user or address", Min: 1, Max: 1, call: ofText(values.Avatar), Doc: "the URL of a person's picture, computed without the network"},
	{Name: "base", Args: "path", Min: 1, Max: 1, call: ofText(basename), Doc: "the last part of a path or URL"},
	{Name: "before", Args: "text, mark", Min: 2, Max: 2, call: ofTexts(before), Doc: "what precedes the first mark; the whole text where there is none"},
	{Name: "before_last", Args: "text, mark", Min: 2, Max: 2, call: ofTexts(beforeLast), Doc: "what precedes the last mark; the whole text where there is none"},
	{Name: "capitalize", Args: "text", Min: 1, Max: 1, call: ofText(capitalize), Doc: "the text with its first letter in upper case"},
	{Name: "capture", Args: "text, pattern", Min: 2, Max: 2, Pattern: true, call: captureFunction, Doc: "the first group of the pattern's first match, or the match where it has no group (expressions only)"},
	{Name: "captures", Args: "text, pattern", Min: 2, Max: 2, Pattern: true, call: capturesFunction, Doc: "the same for every match, as a list (expressions only)"},
	{Name: "contains", Args: "text, part", Min: 2, Max: 2, call: ofValues(func(a, b any) bool { return strings.Contains(values.Text(a), values.Text(b)) }), Doc: "whether part is in text"},
	{Name: "default", Args: "a, b, …", Min: 1, Max: -1, call: firstFunction, Doc: "the first argument that is not empty"},
	{Name: "dig", Args: "value, key, …", Min: 2, Max: -1, call: digFunction, Doc: "the field of a field: dig(msg, \"a\", \"b\") is msg.a.b"},
	{Name: "eq", Args: "a, b", Min: 2, Max: 2, call: ofValues(values.Equal), Doc: "whether both are the same; what == does. A number equals its text"},
	{Name: "first", Args: "list", Min: 1, Max: 1, call: ofValue(func(v any) any { return values.Item(v, 0) }), Doc: "the first element"},
	{Name: "first_line", Args: "text", Min: 1, Max: 1, call: ofText(firstLine), Doc: "the first line that is not empty"},
	{Name: "flatten", Args: "a, b, …", Min: 0, Max: -1, call: flattenFunction, Doc: "all arguments, and the elements of those that are lists, as one list"},
	{Name: "ge", Args: "a, b", Min: 2, Max: 2, call: ofCompared(func(o int) bool { return o >= 0 }), Doc: "a >= b, as numbers where both are, otherwise as texts"},
	{Name: "get", Args: "value, key", Min: 2, Max: 2, call: getFunction, Doc: "an object's field or a list's element (from the end where negative); what value.key does"},
	{Name: "gt", Args: "a, b", Min: 2, Max: 2, call: ofCompared(func(o int) bool { return o > 0 }), Doc: "a > b"},
	{Name: "has_prefix", Args: "text, prefix", Min: 2, Max: 2, call: ofValues(func(a, b any) bool { return strings.HasPrefix(values.Text(a), values.Text(b)) }), Doc: "whether the text begins so"},
	{Name: "has_suffix", Args: "text, suffix", Min: 2, Max: 2, call: ofValues(func(a, b any) bool { return strings.HasSuffix(values.Text(a), values.Text(b)) }), Doc: "whether the text ends so"},
	{Name: "is_list", Args: "value", Min: 1, Max: 1, call: ofValue(isList), Doc: "whether the value is a list"},
	{Name: "is_object", Args: "value", Min: 1, Max: 1, call: ofValue(isObject), Doc: "whether the value is an object with fields"},
	{Name: "join", Args: "list, separator", Min: 2, Max: 2, call: joinFunction, Doc: "the elements as one text"},
	{Name: "json", Args: "text", Min: 1, Max: 1, call: ofValue(jsonFunction), Doc: "the value of a JSON text; nothing where it is none, or longer than 16 KiB"},
	{Name: "keys", Args: "object", Min: 1, Max: 1, call: ofValue(keysOf), Doc: "the names of the fields, sorted"},
	{Name: "last", Args: "list", Min: 1, Max: 1, call: ofValue(func(v any) any { return values.Item(v, -1) }), Doc: "the last element"},
	{Name: "le", Args: "a, b", Min: 2, Max: 2, call: ofCompared(func(o int) bool { return o <= 0 }), Doc: "a <= b"},
	{Name: "len", Args: "value", Min: 1, Max: 1, call: ofValue(length), Doc: "how many elements, fields or characters"},
	{Name: "list", Args: "value", Min: 1, Max: 1, call: ofValue(func(v any) any { return values.List(v) }), Doc: "the value as a list: nothing is the empty one, a single value a list of one"},
	{Name: "local_part", Args: "address", Min: 1, Max: 1, call: ofText(values.LocalPart), Doc: "the part of a mail address before the @"},
	{Name: "lower", Args: "text", Min: 1, Max: 1, call: ofText(strings.ToLower), Doc: "the text in lower case"},
	{Name: "lt", Args: "a, b", Min: 2, Max: 2, call: ofCompared(func(o int) bool { return o < 0 }), Doc: "a < b"},
	{Name: "matches", Args: "text, pattern", Min: 2, Max: 2, Pattern: true, call: matchesFunction, Doc: "whether the pattern (RE2) is found; what matches does (expressions only)"},
	{Name: "member", Args: "value, list", Min: 2, Max: 2, call: ofValues(member), Doc: "whether the value is in the list, or a field of the object; what in does"},
	{Name: "ne", Args: "a, b", Min: 2, Max: 2, call: ofValues(func(a, b any) bool { return !values.Equal(a, b) }), Doc: "whether both differ"},
	{Name: "nvr_name", Args: "nvr", Min: 1, Max: 1, call: ofText(values.PackageOf), Doc: "the name in name-version-release"},
	{Name: "part", Args: "text, separator, i", Min: 3, Max: 3, call: partFunction, Doc: "part i of a divided text, from 0, from the end where negative; nothing where there is none"},
	{Name: "path", Args: "text", Min: 1, Max: 1, call: ofText(url.PathEscape), Doc: "the text escaped as one part of a URL's path"},
	{Name: "person", Args: "from", Min: 1, Max: 1, call: ofText(values.Person), Doc: "the name in \"Alice <alice@example.org>\", or the address where there is no name"},
	{Name: "plural", Args: "n, one, many", Min: 3, Max: 3, call: pluralFunction, Doc: "n and the word that fits: plural(2, \"error\", \"errors\") is \"2 errors\"; n may be a list"},
	{Name: "query", Args: "text", Min: 1, Max: 1, call: ofText(url.QueryEscape), Doc: "the text escaped for a URL's query"},
	{Name: "quote", Args: "text", Min: 1, Max: 1, call: ofText(quote), Doc: "the text in double quotes"},
	{Name: "replace", Args: "text, old, new", Min: 3, Max: 3, call: replaceFunction, Doc: "the text with each old replaced by new"},
	{Name: "series", Args: "list, max", Min: 1, Max: 2, call: seriesFunction, Doc: "\"a, b and c\", sorted and unique; with max, \"a, b and 3 others\""},
	{Name: "short", Args: "commit", Min: 1, Max: 1, call: ofText(func(s string) string { return text.CutRunes(s, 8) }), Doc: "the first 8 characters of a commit's id"},
	{Name: "slice", Args: "value, from, to", Min: 2, Max: 3, call: sliceFunction, Doc: "some characters of a text or elements of a list; what value[from:to] does"},
	{Name: "sort", Args: "list", Min: 1, Max: 1, call: sortFunction, Doc: "the texts in the list, sorted and unique"},
	{Name: "split", Args: "text, separator", Min: 2, Max: 2, call: splitFunction, Doc: "the parts of a text that are not empty, trimmed; any of the separator's characters divides"},
	{Name: "sub", Args: "a, b", Min: 2, Max: 2, call: subFunction, Doc: "a - b; nothing where one is no number"},
	{Name: "text", Args: "value", Min: 1, Max: 1, call: ofText(func(s string) string { return s }), Doc: "the value as text; numbers as the sender wrote them"},
	{Name: "trim", Args: "text, characters", Min: 1, Max: 2, call: trimFunction, Doc: "the text without spaces, or without those characters, at both ends"},
	{Name: "trim_prefix", Args: "text, prefix", Min: 2, Max: 2, call: ofTexts(strings.TrimPrefix), Doc: "the text without that beginning"},
	{Name: "trim_suffix", Args: "text, suffix", Min: 2, Max: 2, call: ofTexts(strings.TrimSuffix), Doc: "the text without that end"},
	{Name: "truncate", Args: "text, max", Min: 2, Max: 2, call: truncateFunction, Doc: "at most max characters, the last an ellipsis where some were cut"},
	{Name: "truthy", Args: "value", Min: 1, Max: 1, call: ofValue(func(v any) any { return values.Truthy(v) }), Doc: "whether the value is something: not missing, false, 0, \"\", an empty list or object"},
	{Name: "upper", Args: "text", Min: 1, Max: 1, call: ofText(strings.ToUpper), Doc: "the text in upper case"},
	{Name: "values", Args: "object", Min: 1, Max: 1, call: ofValue(valuesOf), Doc: "the fields' values, in the order of their names"},
}

func basename(s string) string {
	if s = strings.TrimRight(s, "/"); s == "" {
		return ""
	}
	return path.Base(s)
}
