package irc

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

// A digest says what belongs together in one line, the failures first, with some of the links.
func TestDigestMerges(t *testing.T) {
	notices := append([]backends.Notice{backendtest.Samples()[2]}, backendtest.Builds(7)...)
	notices = append(notices, backendtest.Many(4)...)
	got := linesOf(backends.Parcel{Notices: notices, Manage: "https://example.org/manage"}, 400,
		limits{noticeLines: 2, digestLines: 3})
	want := []string{
		"12 messages: buildsys 9, wiki 2, bodhi 1",
		"[buildsys] carol built bash-5.3-1, bash-5.3-2 and 5 others, 3 failed (7 notices, 2026-03-04 05:06–05:12 UTC)" +
			" https://builds.example.org/build/1 https://builds.example.org/build/4 https://builds.example.org/build/7 (My packages)",
		"[buildsys] The text of sample 1. https://builds.example.org/build/1234 (My packages)",
		"[buildsys] The text of sample 4. https://builds.example.org/build/1234 (My packages)",
		"+3 more at https://example.org/manage",
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What is not proved says so at the head of its line, comes last, and gives a client nothing to make a link of.
func TestMarkedLines(t *testing.T) {
	l := limits{noticeLines: 2, digestLines: 5}
	marked := backendtest.Marked()
	for i, want := range []string{
		"(unsigned) [announce[.]evil[.]example] All passwords must be changed today: hxxps[://]evil[.]example/login " +
			"(My packages)",
		"(wrong signer) [bodhi] bob commented on zsh-5.9-4: works for me. (My packages)",
	} {
		if got := linesOf(backends.Parcel{Notices: marked[i : i+1]}, 400, l); !slices.Equal(got, []string{want}) {
			t.Errorf("lines %q, want %q", got, want)
		}
	}
	forged := backendtest.Builds(2)
	for i := range forged {
		forged[i].Provenance, forged[i].Link = marked[0].Provenance, ""
	}
	notices := slices.Concat(marked, forged, backendtest.Builds(1))
	got := linesOf(backends.Parcel{Notices: notices}, 400, l)
	want := []string{
		"5 messages (4 not proved): buildsys 3, announce[.]evil[.]example 1, bodhi 1",
		"[buildsys] The text of sample 1. https://builds.example.org/build/1 (My packages)",
		"(unsigned) [buildsys] carol built bash-5.3-1 and bash-5.3-2, 1 failed " +
			"(2 notices, 2026-03-04 05:06–05:07 UTC) (My packages)",
		"(unsigned) [announce[.]evil[.]example] All passwords must be changed today: hxxps[://]evil[.]example/login " +
			"(My packages)",
		"(wrong signer) [bodhi] bob commented on zsh-5.9-4: works for me. (My packages)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A line about several keeps its bound and its count, however long its parts are.
func TestGroupLineIsBounded(t *testing.T) {
	notices := backendtest.Builds(3)
	for i := range notices {
		notices[i].Link += "/" + strings.Repeat("x", 150)
		notices[i].Grouping.Values["nvr"] = []string{strings.Repeat("long ", 100)}
		notices[i].Why[0].Filter = strings.Repeat("f", 500)
	}
	for _, budget := range []int{120, 200, 400} {
		for _, line := range linesOf(backends.Parcel{Notices: notices}, budget, limits{noticeLines: 2, digestLines: 3}) {
			if len(line) > budget {
				t.Errorf("%d bytes, budget %d: %q", len(line), budget, line)
			}
		}
	}
	line := linesOf(backends.Parcel{Notices: notices}, 400, limits{noticeLines: 2, digestLines: 3})[1]
	if !strings.Contains(line, "(3 notices, ") {
		t.Errorf("the count is missing: %q", line)
	}
}

// What anybody may have published is cleaned in the line about several, too.
func TestHostileGroupLines(t *testing.T) {
	for name, n := range backendtest.Hostile() {
		again := n
		again.ID, again.Title = n.ID+"2", "another "+n.Title
		for _, line := range linesOf(backends.Parcel{Notices: []backends.Notice{n, again}}, 300,
			limits{noticeLines: 2, digestLines: 3}) {
			if len(line) > 300 || strings.ContainsAny(line, "\r\n\x00\x01\x02\x03\x04\x0f\x1b") || !utf8.ValidString(line) {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
}
