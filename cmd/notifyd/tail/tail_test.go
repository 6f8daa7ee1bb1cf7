package tail

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func TestPatterns(t *testing.T) {
	topics := []string{"org.a.git.push", "org.a._heartbeat", "org.a.wiki.edit"}
	for _, c := range []struct{ text, want string }{
		{"", "git.push _heartbeat wiki.edit"},
		{`\.git\.`, "git.push"},
		{`^((?!_heartbeat).)*$`, "git.push wiki.edit"},
		{`^((?!_heartbeat|wiki).)*$`, "git.push"},
		{`^(?:(?!git).)*$`, "_heartbeat wiki.edit"},
		{`^(?!.*_heartbeat).*$`, "git.push wiki.edit"},
		{`^(?!.*_heartbeat)`, "git.push wiki.edit"},
	} {
		p, err := ParsePattern(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		var got []string
		for _, topic := range topics {
			if p.Match(topic) {
				got = append(got, strings.TrimPrefix(topic, "org.a."))
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: picks %q, want %s", c.text, got, c.want)
		}
	}
	for _, text := range []string{"(", `(?!x)`, `^((?!().)*$`, `^((?!x).)*y$`} {
		if _, err := ParsePattern(text); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func message(t *testing.T, line string) *bus.Message {
	t.Helper()
	m, err := bus.DecodeLine([]byte(line), time.Unix(1500000000, 0))
	if err != nil {
		t.Fatal(err)
	}
	m.Standing = bus.Standing{} // not checked
	return m
}

func show(t *testing.T, p Printer, m *bus.Message) string {
	t.Helper()
	var out bytes.Buffer
	if err := p(&out, m); err != nil {
		t.Error(err)
	}
	return out.String()
}

func TestQuery(t *testing.T) {
	m := message(t, `{"topic":"t","i":1,"timestamp":1795219013,"msg":{"log":"Hello wörld","l":[1],"o":{"b":null,"a":2.50},
		"t":true,"x":"a\nb\u001b[31m"}}`)
	for _, c := range []struct{ query, want string }{
		{"msg.log,timestamp,msg.missing", "Hello wörld, 1795219013, None"},
		{"topic", "t"},
		{"msg.o, msg.l ,msg.t", `{"a":2.5,"b":null}, [1], True`},
		{"msg.l.0,msg.log.x,msg.o.b", "None, None, None"},
		{"msg.x", `a b\u001b[31m`},
	} {
		p, err := Query(c.query)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(t, p, m); got != c.want+"\n" {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
	for _, wrong := range []string{"", "a,", "a..b", ".a"} {
		if _, err := Query(wrong); err == nil {
			t.Errorf("%q: no error", wrong)
		}
	}
}

func TestReallyPretty(t *testing.T) {
	m := message(t, `{"topic":"t","timestamp":1,"signature":"s","certificate":"c","msg":{"a: \"":"b: \\","n":[-1.5e3,true,null,{}]}}`)
	const want = `{
  <33>"msg"<39>: {
    <33>"a: \""<39>: <32>"b: \\"<39>,
    <33>"n"<39>: [
      <34>-1.5e3<39>,
      <35>true<39>,
      <35>null<39>,
      {}
    ]
  },
  <33>"timestamp"<39>: <34>1<39>,
  <33>"topic"<39>: <32>"t"<39>
}
`
	got := strings.ReplaceAll(show(t, ReallyPretty(true), m), "\x1b[", "<")
	for _, code := range []string{"32", "33", "34", "35", "39"} {
		got = strings.ReplaceAll(got, "<"+code+"m", "<"+code+">")
	}
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if plain := show(t, Pretty, m); strings.Contains(plain, "\x1b") || strings.Contains(plain, "signature") {
		t.Errorf("plain: %q", plain)
	}
}

func FuzzColour(f *testing.F) {
	f.Add(`{"a": "b\\", "c": [1, -2e5, true]}`)
	f.Add(`"`)
	f.Add(`"\`)
	f.Add(`tru3`)
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "\x1b", "")
		bare := colour(text)
		for _, code := range []string{keyColour, textColour, numberColour, wordColour, plainColour} {
			bare = strings.ReplaceAll(bare, code, "")
		}
		if bare != text {
			t.Errorf("%q became %q", text, bare)
		}
	})
}

func FuzzParsePattern(f *testing.F) {
	f.Add(`^((?!_heartbeat).)*$`, "org.a._heartbeat")
	f.Add(`^(?!.*x)$`, "x")
	f.Add(`(`, "")
	f.Fuzz(func(t *testing.T, text, topic string) {
		if p, err := ParsePattern(text); err == nil {
			p.Match(topic)
		}
	})
}

func TestGource(t *testing.T) {
	book, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, line, want string }{
		{"fedmsg's git", `{"topic":"org.example.prod.git.receive","timestamp":1375443000,"msg":{"commit":{"username":"alice",
			"repo":"tea","branch":"main","rev":"0a","summary":"x","stats":{"files":{"src/main.c":{},"a|b":{}}}}}}`,
			"1375443000|alice|A|git/tea/a_b|T\n1375443000|alice|A|git/tea/src/main.c|T\n"},
		{"a namespace", `{"topic":"org.example.prod.git.receive","timestamp":1,"msg":{"commit":{"username":"alice",
			"repo":"tea","namespace":"rpms","branch":"main","rev":"0a","stats":{"files":{"tea.spec":{}}}}}}`,
			"1|alice|A|git/rpms/tea/tea.spec|T\n"},
		{"the path of the repository", `{"topic":"org.example.prod.infragit.receive","timestamp":1,"msg":{"commit":{"agent":"alice",
			"username":"alice","repo":"","path":"/git/puppet.git","stats":{"files":{"x":{}}}}}}`,
			"1|alice|A|infragit/puppet/x|T\n"},
		{"a webhook", `{"topic":"github.push","timestamp":1,"body":{"agent":"alice","body":{"ref":"refs/heads/main","repository":{
			"name":"tea","full_name":"kitchen/tea"},"pusher":{"name":"alice"},"commits":[
			{"added":["new"],"removed":["old"],"modified":["b/c"]},{"added":[],"removed":["new"],"modified":[]}]}}}`,
			"1|alice|A|github/kitchen/tea/b/c|T\n1|alice|D|github/kitchen/tea/new|T\n1|alice|D|github/kitchen/tea/old|T\n"},
		{"objects", `{"topic":"org.fedoraproject.prod.wiki.article.edit","timestamp":1,"msg":{"user":"Alice","title":"Tea"}}`,
			"1|alice|A|wiki/page/Tea|T\n"},
		{"nobody", `{"topic":"org.example.prod.coffee.ready","timestamp":1,"msg":{"package":"tea"}}`, ""},
		{"nonsense", `{"topic":"org.example.prod.git.receive","timestamp":1,"msg":{"commits":[1,{"added":[2,""],"stats":[]}],
			"commit":"x","repository":7}}`, ""},
	} {
		got := show(t, Gource(book), message(t, strings.ReplaceAll(c.line, "\n", "")))
		for _, tint := range gourceColours {
			got = strings.ReplaceAll(got, "|"+tint+"\n", "|T\n")
		}
		if got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
		}
	}
}
