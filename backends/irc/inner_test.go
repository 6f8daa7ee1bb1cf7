package irc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ergochat/irc-go/ircmsg"
	"github.com/notifyd/notifyd/backends"
)

func TestLinesOf(t *testing.T) {
	why := []backends.Reason{{Filter: "my packages"}}
	n := backends.Notice{App: "bodhi", Kind: "bodhi.update.comment", Topic: "org.example.bodhi.update.comment",
		Title: "[zsh] bob commented",
		Text:  "bob commented on zsh: works.\nMore.", Link: "https://example.org/u/42", Why: why}
	with := func(edit func(*backends.Notice)) backends.Notice { c := n; edit(&c); return c }
	about := func(app, object string) backends.Notice {
		return with(func(n *backends.Notice) { n.App, n.Objects, n.Kind = app, []string{object}, object })
	}
	long := strings.Repeat("word ", 300)
	tests := []struct {
		name    string
		notices []backends.Notice
		want    []string
	}{
		{"one", []backends.Notice{n}, []string{"[bodhi] bob commented on zsh: works. https://example.org/u/42 (my packages)"}},
		{"no text", []backends.Notice{with(func(n *backends.Notice) { n.Title, n.Text = "bodhi.update.comment", "\n" })},
			[]string{"[bodhi] bodhi.update.comment https://example.org/u/42 (my packages)"}},
		{"no link, no app", []backends.Notice{with(func(n *backends.Notice) { n.App, n.Link = "", "" })},
			[]string{"bob commented on zsh: works. (my packages)"}},
		{"many filters", []backends.Notice{with(func(n *backends.Notice) {
			n.Why = []backends.Reason{{Filter: "a"}, {Filter: "b"}, {Filter: "a"}, {Filter: "c"}, {Filter: "d"}, {Filter: "e"}}
		})}, []string{"[bodhi] bob commented on zsh: works. https://example.org/u/42 (a, b, c, +2)"}},
		{"codes", []backends.Notice{with(func(n *backends.Notice) {
			n.App, n.Text, n.Why = "b\x02o\x0fdhi\r\nQUIT", "\x0304,12red\x03 a\x00b\x01\u202e \x04ff0000c\tx\u2028y",
				[]backends.Reason{{Filter: "f\nQUIT :x"}}
		})}, []string{"[bodhi QUIT] red ab c x y https://example.org/u/42 (f QUIT :x)"}},
		{"too long keeps the link", []backends.Notice{with(func(n *backends.Notice) { n.Text = long })}, []string{
			"[bodhi] " + strings.TrimSpace(strings.Repeat("word ", 38)), "…"}},
		{"account", []backends.Notice{{App: "notifyd", Title: "Confirm", Text: "Your code is 314159.\n\nType it on the page.",
			Link: "https://example.org/c"}},
			[]string{"Your code is 314159.", "Type it on the page.", "https://example.org/c"}},
		{"account, link in the text", []backends.Notice{{Text: "Go to https://example.org/c now.",
			Link: "https://example.org/c"}},
			[]string{"Go to https://example.org/c now."}},
		{"digest", []backends.Notice{n, about("koji", "a"), about("bodhi", "b"), about("bodhi", "c"), about("bodhi", "d")},
			[]string{"5 messages: bodhi 4, koji 1",
				"[bodhi] bob commented on zsh: works. https://example.org/u/42 (my packages)",
				"[koji] bob commented on zsh: works. https://example.org/u/42 (my packages)",
				"[bodhi] bob commented on zsh: works. https://example.org/u/42 (my packages)",
				"+2 more at https://example.org/manage"}},
		{"the same again", []backends.Notice{n, n}, []string{"2 messages: bodhi 2",
			"[bodhi] bob commented on zsh: works. (2 notices) https://example.org/u/42 (my packages)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := linesOf(backends.Parcel{Notices: test.notices, Manage: "https://example.org/manage"}, 200,
				limits{noticeLines: 2, digestLines: 3})
			if test.name == "too long keeps the link" {
				if len(got) != 2 || got[0] != test.want[0] ||
					!strings.HasSuffix(got[1], "word… https://example.org/u/42 (my packages)") {
					t.Errorf("linesOf() = %q", got)
				}
				return
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("linesOf() =\n%q, want\n%q", got, test.want)
			}
		})
	}
}

// checkLine is what every line must be, whatever went in.
func checkLine(t *testing.T, line string, budget int) {
	t.Helper()
	switch {
	case len(line) > budget:
		t.Errorf("line of %d bytes, budget %d: %q", len(line), budget, line)
	case line == "":
		t.Error("empty line")
	case !utf8.ValidString(line):
		t.Errorf("invalid UTF-8: %q", line)
	case strings.ContainsFunc(line, unicode.IsControl):
		t.Errorf("control character: %q", line)
	}
}

// FuzzSplit splits what clean makes of anything: every line in its bound, nothing lost but spaces, nothing reordered.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", "short", strings.Repeat("é", 300), strings.Repeat("words of several lengths ", 40),
		"\x03\x034,5x\x02\r\nQUIT",
		strings.Repeat("x", 199) + "😀" + strings.Repeat(" ", 9) + "end", "\xff\xfe\xc3", strings.Repeat("e\u0301\u0489", 99),
		"\u202e\u2066abc\u2028def"} {
		f.Add(seed, 200)
		f.Add(seed, 5)
	}
	f.Fuzz(func(t *testing.T, text string, budget int) {
		budget = min(max(budget, utf8.UTFMax), 1000)
		text = clean(text)
		lines := split(text, budget)
		for _, line := range lines {
			checkLine(t, line, budget)
		}
		spaceless := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got, want := spaceless(strings.Join(lines, "")), spaceless(text); got != want {
			t.Errorf("split(%q, %d) = %q: content differs", text, budget, lines)
		}
		for _, word := range strings.Fields(text) {
			if len(word) <= budget && !strings.Contains(strings.Join(lines, "\n"), word) {
				t.Errorf("split(%q, %d) = %q: cuts the word %q", text, budget, lines, word)
			}
		}
	})
}

// FuzzLines gives hostile field contents to every field of a notice and of account mail.
func FuzzLines(f *testing.F) {
	f.Add("bodhi", "title", "text", "https://example.org/", "filter", 400)
	f.Add("\r\nQUIT", "\x01VERSION\x01", "\n\nPRIVMSG #ops :x", "javascript:\x00", "\u2028", 100)
	f.Add(strings.Repeat("a", 300), strings.Repeat("b ", 3000), strings.Repeat("ü", 900), strings.Repeat("c", 900),
		strings.Repeat("d", 900), 60)
	f.Fuzz(func(t *testing.T, app, title, text, link, filter string, budget int) {
		budget = min(max(budget, 60), 1000)
		n := backends.Notice{App: app, Title: title, Text: text, Link: link,
			Why: []backends.Reason{{Filter: filter}, {Filter: "other"}}}
		account := n
		account.Why = nil
		l := limits{noticeLines: 2, digestLines: 3}
		for _, notices := range [][]backends.Notice{{n}, {account}, {n, n, n, n, n}, {account, n}} {
			lines := linesOf(backends.Parcel{Notices: notices, Manage: link}, budget, l)
			for _, line := range lines {
				checkLine(t, line, budget)
			}
			if len(notices) == 1 && len(notices[0].Why) > 0 && len(lines) > 2 {
				t.Errorf("%d lines for one notice", len(lines))
			}
		}
	})
}

func TestDigestSaysWhatToSay(t *testing.T) {
	var p backends.Parcel
	for i := range 20 {
		p.Notices = append(p.Notices, backends.Notice{ID: fmt.Sprint(i), App: "copr", Kind: fmt.Sprint("k", i),
			Text: fmt.Sprint("text ", i), Why: []backends.Reason{{Filter: "mine"}}})
	}
	p.Note, p.Manage = "20 notices came while you were away.", "https://example.org/"
	lines := linesOf(p, 300, limits{noticeLines: 2, digestLines: 3, last: true})
	if lines[1] != p.Note || lines[len(lines)-1] != "+17 more at https://example.org/ (or say: last 12)" {
		t.Errorf("lines %q", lines)
	}
}

func TestFairLockLetsTheUrgentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g fairLock
		var order []string
		enter := func(name string, urgent int) {
			go func() {
				if err := g.lock(t.Context(), urgent); err != nil {
					t.Error(err)
				}
				order = append(order, name) // guarded by the lock
				g.unlock()
			}()
			synctest.Wait()
		}
		if err := g.lock(t.Context(), rankInfo); err != nil {
			t.Fatal(err)
		}
		enter("a", rankInfo)
		enter("b", rankInfo)
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error)
		go func() { gaveUp <- g.lock(ctx, rankAccount) }()
		synctest.Wait()
		enter("code", rankAccount)
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("lock() with an ended context = %v", err)
		}
		g.unlock()
		synctest.Wait()
		if got := strings.Join(order, " "); got != "code a b" {
			t.Errorf("order = %q", got)
		}
		if g.held {
			t.Error("the lock stays held")
		}
	})
}

func TestRefusal(t *testing.T) {
	m := func(line string) ircmsg.Message {
		m, err := ircmsg.ParseLine(line)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	tests := []struct{ line, want string }{
		{":notifyd!u@h PRIVMSG alice :x", ""},
		{":s ACK", ""},
		{":s 301 notifyd alice :gone fishing", ""},
		{":s 401 notifyd alice :No such nick", "not online"},
		{":s 404 notifyd alice :Cannot send", "refused the line (404)"},
		{":s 417 notifyd :Input line was too long", "refused the line (417)"},
		{":s 477 notifyd alice :registered only", "takes no message"},
		{":s 716 notifyd alice :is in +g mode", "takes no message"},
		{":s 439 notifyd alice :Target change too fast", "slower"},
		{":s FAIL PRIVMSG INVALID_TARGET alice :no", "FAIL"},
		{":s 599 notifyd alice :from the future", "refused the line (599)"},
	}
	for _, test := range tests {
		err := refusal([]ircmsg.Message{m(test.line)})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("refusal(%q) = %v, want %q", test.line, err, test.want)
		}
		if err != nil && (errors.Is(err, backends.ErrRefused) || strings.Contains(err.Error(), "alice")) {
			t.Errorf("refusal(%q) = %v: must be worth a retry and name nobody", test.line, err)
		}
	}
}

func TestHoldingOf(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  holding
	}{
		{"owner", []string{":s 311 me alice u h * :A", ":s 330 me alice Alice :is logged in as"}, holding{true, "alice", true}},
		{"registered nick of another account", []string{":s 311 me alice u h * :A",
			":s 330 me alice asmith :is logged in as", ":s 307 me alice :is a registered nick"}, holding{true, "asmith", true}},
		{"registered nick alone", []string{":s 311 me Alice u h * :A", ":s 307 me Alice :is a registered nick"},
			holding{true, "alice", true}},
		{"another account", []string{":s 311 me alice u h * :A", ":s 330 me alice Mall[o]ry :is logged in as"},
			holding{true, "mall{o}ry", false}},
		{"about somebody else", []string{":s 311 me alice u h * :A", ":s 330 me bob alice :is logged in as"},
			holding{true, "", false}},
		{"no account", []string{":s 311 me alice u h * :A", ":s 330 me alice 0 :is logged in as"}, holding{true, "", false}},
		{"offline", []string{":s 401 me alice :No such nick"}, holding{}},
		{"short", []string{":s 330 me", ":s 330 me alice", ":s 311"}, holding{}},
	}
	for _, test := range tests {
		var replies []ircmsg.Message
		for _, line := range test.lines {
			m, _ := ircmsg.ParseLine(line)
			replies = append(replies, m)
		}
		if got := holdingOf("alice", rfc1459, replies); got != test.want {
			t.Errorf("%s: holdingOf() = %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestCasemappings(t *testing.T) {
	for token, want := range map[string]string{
		"rfc1459": "bob{x}|^", "strict-rfc1459": "bob{x}|~", "rfc1459-strict": "bob{x}|~", "ascii": `bob[x]\~`,
		"rfc7613": `bob[x]\~`, "": `bob[x]\~`, "something-new": `bob[x]\~`,
	} {
		if got := casemappingOf(token).fold(`Bob[X]\~`); got != want {
			t.Errorf("%s: %s, want %s", token, got, want)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	var m answerLimit
	now := time.Unix(1e9, 0)
	allowed := 0
	for i := range 3600 { // one question a second for an hour, from ever new nicks and from one that insists
		if m.allow(fmt.Sprintf("nick%d", i), now) {
			allowed++
		}
		if m.allow("Robot", now) {
			allowed++
		}
		now = now.Add(time.Second)
	}
	if allowed > 3600/2+answersBurst || allowed < 700 {
		t.Errorf("%d answers in an hour", allowed)
	}
	if len(m.each) > maxRemember {
		t.Errorf("remembers %d nicks", len(m.each))
	}
}
