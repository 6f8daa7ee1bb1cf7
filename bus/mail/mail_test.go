package mail_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus/mail"
)

var update = flag.Bool("update", false, "write what the mails in testdata/mails become")

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func load(t testing.TB) mail.Mappings {
	t.Helper()
	all, err := mail.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t testing.TB, text string) *mail.Mail {
	t.Helper()
	m, err := mail.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// outcome is what becomes of a mail.
func outcome(t testing.TB, all mail.Mappings, text string, o mail.Options) mail.Outcome {
	t.Helper()
	if o.Now.IsZero() {
		o.Now = now
	}
	out, err := all.Message(read(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMails: each mail in testdata/mails becomes the message beside it, with LF and with CRLF.
func TestMails(t *testing.T) {
	files, err := filepath.Glob("testdata/mails/*.eml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d mails: %v", len(files), err)
	}
	all := load(t)
	shown := map[string]bool{"generic": true} // which TestNamed shows
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(file, ".eml") + ".json"
		for _, end := range []string{"\n", "\r\n"} {
			out := outcome(t, all, strings.ReplaceAll(string(text), "\n", end), mail.Options{Prefix: "org.example.prod"})
			if out.Draft == nil {
				t.Errorf("%s became nothing: %s, %v", file, out.Reason, out.Passed)
				break
			}
			var got bytes.Buffer
			if err := json.Indent(&got, out.Draft.Payload, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(want, got.Bytes()) {
				t.Errorf("%s became with %q %s\nwant %s (%v)", file, end, got.Bytes(), want, err)
			}
			shown[out.Mapping] = true
		}
	}
	for _, name := range all.Names() {
		if !shown[name] {
			t.Errorf("no mail in testdata/mails is taken by the mapping %s: write %s.eml, and run with -update", name, name)
		}
	}
}

// with gives one of the mails in testdata with other headers before its own.
func with(t *testing.T, name string, headers ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/mails", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(headers, "\n") + "\n" + string(text)
}

// TestTextIsDecodedOnce: also in parts of parts, whatever the encoding and the charset.
func TestTextIsDecodedOnce(t *testing.T) {
	const inner = "\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=%s\n" +
		"Content-Transfer-Encoding: %s\n\n%s\n--b--\n"
	for _, c := range []struct{ charset, encoding, sent, want string }{
		{"utf-8", "base64", "VMOpID0gdGVh", "Té = tea"},
		{"windows-1252", "quoted-printable", "T=E9 =97 tea =3D41", "Té — tea =41"},
		{"iso-2022-jp", "7bit", "\x1b$B$*Cc\x1b(B", "お茶"},
		{"koi8-r", "base64", "3sHK", "чай"},
	} {
		part := fmt.Sprintf(inner, c.charset, c.encoding, c.sent)
		for _, text := range []string{part[1:], "Content-Type: multipart/mixed; boundary=a\n\n--a" + part + "--a--\n",
			fmt.Sprintf("Content-Type: text/plain; charset=%s\nContent-Transfer-Encoding: %s\n\n%s\n", c.charset, c.encoding,
				c.sent)} {
			if got := strings.TrimSpace(read(t, text).Text()); got != c.want {
				t.Errorf("%q has the text %q, want %q", text, got, c.want)
			}
		}
	}
}

// TestHeaders: encoded words, also of charsets that no list has, and bytes that are not encoded.
func TestHeaders(t *testing.T) {
	for raw, want := range map[string]string{
		"=?utf-8?b?VMOp?= =?iso-8859-1?q?_=3D_tea?=": "Té = tea",
		"=?eucgb2312_cn?q?=B4=F0=B8=B4?=: tea":       "答复: tea",
		"=?unknown-8bit?q?T=C3=A9?=":                 "Té",
		"=?x-klingon?q?T=C3=A9?=":                    "=?x-klingon?q?T=C3=A9?=",
		"T\xc3\xa9 T\xe9":                            "Té T\ufffd",
		"a\n\tb":                                     "a b",
	} {
		if got := read(t, "Subject: "+raw+"\n\n").Header("Subject"); got != want {
			t.Errorf("%q is %q, want %q", raw, got, want)
		}
	}
}

// TestLoopsBecomeNothing: what a program has answered, and what notifyd has sent, goes nowhere.
func TestLoopsBecomeNothing(t *testing.T) {
	all := load(t)
	for header, want := range map[string]string{
		"Auto-Submitted: auto-replied (vacation)":         "no mapping takes it",
		"Auto-Submitted: Auto-Replied; owner-email=\"a\"": "a program answers a mail",
		"Auto-Submitted: auto-notified":                   "a program answers a mail",
		"Auto-Submitted: auto-generated":                  "no mapping takes it",
		"Content-Type: multipart/report; boundary=x":      "it reports about a mail",
		"X-Notifyd-Topic: org.example.prod.tea":           "notifyd has sent it",
		"X-Fedmsg-Topic: org.example.prod.tea":            "notifyd has sent it",
		"X-Autoreply: yes":                                "a program answers a mail",
		"Precedence: auto_reply":                          "a program answers a mail",
		"Auto-Submitted: no":                              "",
		"Message-ID: <p.1@example.org>":                   "",
		"Auto-Submitted: auto-generated\nMessage-ID: <p.1@example.org>\nX-Auto-Response-Suppress: All": "notifyd has sent it",
	} {
		out := outcome(t, all, with(t, "mailman3", header), mail.Options{})
		if out.Reason != want && (want == "" || !strings.HasPrefix(out.Reason, want)) {
			t.Errorf("%s: %q, want %q", header, out.Reason, want)
		}
	}
	bounce := "Return-Path: <>\nSubject: Undelivered\nX-Debian-PR-Message: report 1\n\n"
	if out := outcome(t, all, bounce, mail.Options{}); !strings.Contains(out.Reason, "no sender") {
		t.Errorf("a bounce: %q", out.Reason)
	}
	if out := outcome(t, all, with(t, "debian-upload"), mail.Options{}); out.Mapping != "debian-changes" {
		t.Errorf("an upload, which a program announces: %q, %v", out.Reason, out.Passed)
	}
}

// TestIDs: a mail has the same id whatever way it came, and no id of another bus.
func TestIDs(t *testing.T) {
	all := load(t)
	id := func(text string) string {
		out := outcome(t, all, text, mail.Options{})
		if out.Draft == nil {
			t.Fatalf("nothing became of %q: %s", text, out.Reason)
		}
		return out.Draft.ID
	}
	post := func(headers string) string { return headers + "List-Id: <tea.example.org>\nFrom: a@b.example\n\nHot." }
	for _, c := range []struct{ a, b string }{
		{post("Message-ID: <1@x.example>\n"), post("Received: from b by c\nMessage-Id:\n <1@x.example>\n")},
		{post(""), post("Received: elsewhere\n")},
	} {
		if id(c.a) != id(c.b) {
			t.Errorf("%q and %q have the ids %q and %q", c.a, c.b, id(c.a), id(c.b))
		}
	}
	for _, other := range []string{post("Message-ID: <2@x.example>\n"),
		strings.Replace(post("Message-ID: <1@x.example>\n"), "tea", "coffee", 1)} {
		if id(other) == id(post("Message-ID: <1@x.example>\n")) {
			t.Errorf("%q has the id of another mail", other)
		}
	}
	if got := id(post("Message-ID: <2026-8d9b5b52-6a3f-4b0e-9c2f-0f5f6f2e7a11>\n")); !strings.HasPrefix(got, "mail:") {
		t.Errorf("the id %q may be that of a message of a bus", got)
	}
	if got := id(post("Message-ID: <" + strings.Repeat("x", 5000) + "@y>\n")); len(got) > 100 {
		t.Errorf("the id has %d bytes", len(got))
	}
	if id(with(t, "debian-bug-followup")) == id(strings.Replace(with(t, "debian-bug-followup"), "followup 123456",
		"followup 654321", 1)) {
		t.Error("a mail about two bugs counts once")
	}
}

// TestWhen: a mail is of its own date, but not of the future.
func TestWhen(t *testing.T) {
	all := load(t)
	for date, want := range map[string]bool{
		"Mon, 05 Jan 2026 10:00:00 +0000": true, "Mon, 05 Jan 2099 10:00:00 +0000": false, "yesterday": false,
		"Mon, 05 Jan 0026 10:00:00 +0000": false, "": false, "Mon, 05 Jan 2026 10:00:00 +9900": false,
		"?\nReceived: from a by b; Mon, 05 Jan 2026 10:00:00 +0000": true,
	} {
		out := outcome(t, all, "Date: "+date+"\nList-Id: <tea.example.org>\n\nHot.", mail.Options{})
		if got := bytes.Contains(out.Draft.Payload, []byte(`"timestamp":1767607200`)); got != want {
			t.Errorf("%q: %s", date, out.Draft.Payload)
		}
	}
}

// TestRequire: what a site requires is asked of every mail.
func TestRequire(t *testing.T) {
	all := load(t)
	o := mail.Options{Require: []string{`{header Authentication-Results | match "^mx\.example\.org;.* dkim=pass "}`}}
	for header, want := range map[string]string{
		"Authentication-Results: mx.example.org; dkim=pass header.d=example.org":                            "",
		"Authentication-Results: evil.example; dkim=pass header.d=example.org":                              "it lacks",
		"Authentication-Results: mx.example.org; none\nAuthentication-Results: mx.example.org; dkim=pass x": "it lacks",
	} {
		if out := outcome(t, all, with(t, "mailman3", header), o); !strings.HasPrefix(out.Reason, want) ||
			want == "" && out.Draft == nil {
			t.Errorf("%s: %q, want %q", header, out.Reason, want)
		}
	}
	if _, err := all.Message(read(t, "\n"), mail.Options{Require: []string{"{"}}); err == nil {
		t.Error("a requirement that cannot be read is no error")
	}
}

// TestNamed: generic takes any mail where it is named, and none elsewhere.
func TestNamed(t *testing.T) {
	text := "From: alice@example.org\nSubject: Hello\n\nHot."
	if out := outcome(t, load(t), text, mail.Options{}); out.Draft != nil || len(out.Passed) != len(load(t)) {
		t.Errorf("%+v", out)
	}
	some, err := load(t).Named([]string{"generic"})
	if err != nil {
		t.Fatal(err)
	}
	if out := outcome(t, some, text, mail.Options{}); out.Draft == nil || out.Draft.Topic != "mail.received" {
		t.Errorf("%+v", out)
	}
	if _, err := load(t).Named([]string{"tea"}); err == nil || !strings.Contains(fmt.Sprint(err), "debian-bugs") {
		t.Errorf("a mapping that is not there: %v", err)
	}
}
