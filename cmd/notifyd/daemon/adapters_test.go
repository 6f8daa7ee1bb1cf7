package daemon

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestKindNames: sentences use the names that the catalogue has for kinds. Where one name stands for two kinds, the
// sentence adds the application. A kind without a name keeps its identifier.
func TestKindNames(t *testing.T) {
	c, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	env := rulespec.Env{KindName: c.KindNames()}
	kinds := []string{"buildsys.build.failed", "pagure.issue.new", "nowhere.unknown", "bodhi.unknown", "nobody.knows.it"}
	f := rulespec.Filter{Rules: []rulespec.Rule{
		{Kind: "kind", Args: rulespec.Args{"name": kinds}},
		{Kind: "app", Not: true, Args: rulespec.Args{"name": {"buildsys.build.failed"}}},
	}}
	want := `when the kind of message is "Builds failed", "Tickets opened (Pagure)", "Other messages of nowhere", "Other messages of Bodhi" or nobody.knows.it and the application is not buildsys.build.failed`
	if got := rulespec.Sentence(env, f); got != want {
		t.Errorf("SentenceIn = %s\nwant %s", got, want)
	}
	if f.Rules[0].Args["name"][0] != kinds[0] {
		t.Errorf("SentenceIn changed the filter: %v", f.Rules)
	}
	if got, want := rulespec.RuleSentence(env, f.Rules[0]),
		`the kind of message is "Builds failed", "Tickets opened (Pagure)", "Other messages of nowhere", "Other messages of Bodhi" or nobody.knows.it`; got != want {
		t.Errorf("RuleSentence = %s", got)
	}
}

// TestANameIsOfOneBus: bus.trust.sources would believe both where two have it.
func TestANameIsOfOneBus(t *testing.T) {
	dir := t.TempDir()
	open := func(endpoint, more string) error {
		s, _, err := openConfig(t, "database: {dsn: '"+filepath.Join(dir, "n.db")+"'}", "metrics: {listen: ''}", "web: {listen: ''}",
			"bus:", "  zmq: {endpoints: {"+endpoint+": 'tcp://127.0.0.1:9'}}", more)
		if err != nil {
			return err
		}
		return s.Close()
	}
	const broker = "  amqp: {brokers: {site: {url: 'amqp://127.0.0.1:9/'}}}"
	const sender = "  http: {listen: '127.0.0.1:0', senders: {site: {token: sesame-sesame-sesame, topics: [a]}}}"
	for _, more := range []string{broker, sender} {
		err := open("site", more)
		if err == nil || !strings.Contains(err.Error(), "site: bus.") || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: error %v, want one that names site", more, err)
		}
		if err := open("hub", more); err != nil {
			t.Errorf("%s beside an endpoint of another name: %v", more, err)
		}
	}
}

// TestWarnsOfWhatIsMissing: a daemon that starts but can deliver nothing warns about it.
func TestWarnsOfWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	base := []string{"database: {dsn: '" + filepath.Join(dir, "n.db") + "'}", "metrics: {listen: ''}"}
	for _, c := range []struct{ name, more, want, not string }{
		{"nothing", "web: {listen: '127.0.0.1:0'}", "nobody can sign in", ""},
		{"a proxy", "web: {listen: '127.0.0.1:0', base_url: 'https://notify.example.org', trusted_proxies: [127.0.0.1/32]}",
			"nobody can sign in", "count as one"},
		{"no pages", "web: {listen: ''}", "nothing will come in", "nobody can sign in"},
		{"mail", "web: {listen: '127.0.0.1:0'}\nbackends: {email: {host: mx.example.org, from: a@example.org}}",
			"nothing will come in", "nobody can sign in"},
	} {
		s, log, err := openConfig(t, append(base, c.more)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		said := log.String()
		if !strings.Contains(said, c.want) || c.not != "" && strings.Contains(said, c.not) {
			t.Errorf("%s: the log is\n%s", c.name, said)
		}
	}
}
