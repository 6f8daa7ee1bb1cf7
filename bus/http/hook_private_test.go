package http

import (
	"regexp"
	"strings"
	"testing"
)

// personal are bodies in the shapes of services, with what nobody else should read: values that begin with SECRET.
var personal = map[string]string{
	"github": `{"ref":"refs/heads/main","pusher":{"name":"mira","email":"SECRET@a"},"sender":{"login":"mira"},
		"repository":{"owner":{"name":"kitchen","email":"SECRET@b"}},
		"head_commit":{"author":{"name":"Mira","email":"SECRET@c"},"committer":{"email":"SECRET@d"}},
		"commits":[{"author":{"name":"Mira","email":"SECRET@e","username":"mira"},"committer":{"email":"SECRET@f"}}],
		"commit":{"verification":{"payload":"author Mira <SECRET@i>"}},"workflow_run":{"head_commit":{"author":{"email":"SECRET@g"}}},"invitation":{"email":"SECRET@h"}}`,
	"gitlab": `{"object_kind":"push","user_username":"mira","user_email":"SECRET@a",
		"commits":[{"author":{"name":"Mira","email":"SECRET@b"}}],"commit":{"author_email":"SECRET@c"},
		"user":{"username":"mira","email":"SECRET@d"},"object_attributes":{"variables":[{"key":"A","value":"SECRET"}]}}`,
	"forgejo": `{"pusher":{"login":"mira","email":"SECRET@a"},"commits":[{"author":{"email":"SECRET@b","username":"mira"}}],
		"repository":{"owner":{"login":"mira","email":"SECRET@c"}},"sender":{"login":"mira","email":"SECRET@d"}}`,
	"bitbucket": `{"actor":{"name":"mira","emailAddress":"SECRET@a"},"push":{"changes":[{"commits":[
		{"author":{"raw":"Mira <SECRET@b>","user":{"nickname":"mira"}}}]}]}}`,
	"gerrit": `{"type":"patchset-created","uploader":{"name":"Mira","email":"SECRET@a","username":"mira"},
		"change":{"owner":{"email":"SECRET@b"}}}`,
	"discourse": `{"post":{"username":"mira","raw":"SECRET","cooked":"SECRET"},"like":{"post":{"cooked":"SECRET"}},
		"user":{"username":"mira","email":"SECRET@a","secondary_emails":["SECRET@b"]},
		"reviewable":{"payload":{"raw":"SECRET"}},"chat_message":{"message":{"message":"SECRET","cooked":"SECRET","excerpt":"SECRET",
		"user":{"username":"mira"}}}}`,
	"sentry": `{"action":"created","actor":{"name":"mira"},"data":{"installation":{"code":"SECRET"},"event":{
		"user":{"email":"SECRET@a","ip_address":"SECRET"},"request":{"cookies":[["a","SECRET"]],"headers":[["b","SECRET"]]},
		"exception":{"values":[{"stacktrace":{"frames":[{"vars":{"password":"SECRET"}}]}}]}}}}`,
	"stripe": `{"type":"charge.succeeded","mira":1,"data":{"object":{"receipt_email":"SECRET@a","billing_details":{"name":"SECRET"},
		"client_secret":"SECRET"}}}`,
}

// TestPersonalDataStaysOut: no adapter hands on addresses of mails, texts that are for few, and secrets.
func TestPersonalDataStaysOut(t *testing.T) {
	adapters, err := readAdapters(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range personal {
		h := &hook{sender: &sender{name: "NAME"}, adapter: adapters[name]}
		d := delivery{header: map[string][]string{}, raw: []byte(body), payload: []byte(body), now: testNow}
		made, err := h.message(d, proofSignature)
		if found := regexp.MustCompile(`SECRET[^"]*`).FindAllString(string(made.payload), -1); err != nil || found != nil {
			t.Errorf("%s: %v, it hands on %q", name, err, found)
		}
		if !strings.Contains(string(made.payload), "mira") {
			t.Errorf("%s: nothing is left: %s", name, made.payload)
		}
	}
}

// TestPrivateMessagesAreNone: what two people write each other is answered like any other, and goes nowhere.
func TestPrivateMessagesAreNone(t *testing.T) {
	s := hooked(t, Hook{Adapter: "discourse"}, nil)
	for body, want := range map[string]int{
		`{"post":{"topic_title":"Tea","topic_archetype":"private_message"}}`:     0,
		`{"topic":{"title":"Tea","archetype":"private_message"}}`:                0,
		`{"like":{"post":{"topic_archetype":"private_message"}}}`:                0,
		`{"post":{"topic_title":"private_message","topic_archetype":"regular"}}`: 1,
		`{"topic":{"title":"Tea"}}`:                                              1,
	} {
		w, got := s.send("/hooks/NAME", body, "X-Discourse-Event-Signature", "sha256="+sign("mug-secret", body),
			"X-Discourse-Event-Type", "post", "X-Discourse-Event", "post_created")
		if w.Code != 202 || len(got) != want {
			t.Errorf("%s: %d %s, %d messages, want %d", body, w.Code, w.Body, len(got), want)
		}
	}
}

func TestRemoveAnywhere(t *testing.T) {
	for _, c := range []struct{ remove, body, want string }{
		{"**.a", `{"a":1,"b":{"a":2,"c":[{"a":3},[{"a":4,"d":5}]]}}`, `{"b":{"c":[{},[{"d":5}]]}}`},
		{"b.**.a", `{"a":1,"b":{"a":2,"c":{"a":3}}}`, `{"a":1,"b":{"c":{}}}`},
		{"**.a.b", `{"a":{"a":{"b":1}},"b":1}`, `{"a":{"a":{}},"b":1}`},
		{"**.*.a", `[[{"a":1}],{"a":2}]`, `[[{}],{}]`},
		{"**.a", `"a"`, `"a"`},
	} {
		own := Adapter{Topic: "own", Signatures: []Signature{{Scheme: schemePath}}, Remove: []string{c.remove}}
		_, got := hooked(t, Hook{Adapter: "own"}, map[string]Adapter{"own": own}).send("/hooks/NAME/mug-secret", c.body)
		if len(got) != 1 || !strings.HasSuffix(string(got[0].Payload), `"msg":`+c.want+"}") {
			t.Errorf("%s: %+v, want …%s", c.remove, got, c.want)
		}
	}
	bad := Adapter{Topic: "own", Signatures: []Signature{{Scheme: schemePath}}, Remove: []string{"a.**"}}
	if _, err := readAdapters(map[string]Adapter{"own": bad}); err == nil || !strings.Contains(err.Error(), "remove") {
		t.Errorf("a path that ends with **: %v", err)
	}
}

// TestSecretsStayOut: older versions of Gogs and Gitea write the secret into what they send, and a hook may tell of its
// own URL, at whose end the secret stands.
func TestSecretsStayOut(t *testing.T) {
	for adapter, body := range map[string]string{
		"gogs":    `{"secret":"mug-secret","ref":"refs/heads/main"}`,
		"gitea":   `{"secret":"an older one","ref":"refs/heads/main"}`,
		"forgejo": `{"ref":"refs/heads/main","a":["mug-secret",{"\u0073ecret":"x","b":"mug\u002dsecret"}]}`,
		"generic": `{"ref":"refs/heads/main","hook":{"url":"https://bus.example.org/hooks/NAME/mug-secret"}}`,
		"gerrit":  `{"ref":"refs/heads/main","a":"short"}`,
	} {
		adapters, err := readAdapters(nil)
		if err != nil {
			t.Fatal(err)
		}
		h := &hook{sender: &sender{name: "NAME"}, adapter: adapters[adapter], secrets: []string{"mug-secret", "short"}}
		made, err := h.message(delivery{raw: []byte(body), payload: []byte(body), now: testNow}, proofSignature)
		text := string(made.payload)
		if err != nil || strings.Contains(text, "mug-secret") || strings.Contains(text, "older") ||
			!strings.Contains(text, `"ref":"refs/heads/main"`) {
			t.Errorf("%s: %v, it hands on %s", adapter, err, text)
		}
		if adapter == "gerrit" && !strings.Contains(text, `"a":"short"`) {
			t.Errorf("a secret that may be a word of a message takes it out: %s", text)
		}
	}
}
