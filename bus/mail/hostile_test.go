package mail_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/mail"
)

const listed = "List-Id: <tea.example.org>\nMessage-ID: <1@example.org>\n"

// nested is a mail of so many parts in each other, with a text in the innermost.
func nested(depth int, text string) string {
	var b strings.Builder
	b.WriteString(listed)
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	return b.String() + "\n" + text
}

// TestHostileMails: whatever a mail is, it is read soon, in bounded memory, and what it becomes can be sent.
func TestHostileMails(t *testing.T) {
	all := load(t)
	for name, c := range map[string]struct {
		text string
		want string // in the message; "" : anything
	}{
		"10,000 headers":  {strings.Repeat("X-Tea: hot\n", 10_000) + listed + "\nHot.", `"content":"Hot."`},
		"100,000 headers": {listed + strings.Repeat("X-Tea: hot "+strings.Repeat("x", 40)+"\n", 100_000) + "\nHot.", ""},
		"a long header":   {"Subject: " + strings.Repeat("x", 4<<20) + "\n" + listed + "\nHot.", ""},
		"a folded header": {listed + "Subject: a" + strings.Repeat("\n b", 100_000) + "\n\nHot.", ""},
		"an encoded word bomb": {listed + "Subject: " + strings.Repeat("=?iso-2022-jp?b?GyRCJCIbKEI=?= ", 30_000) + "\n\nHot.",
			`"content":"Hot."`},
		"an encoded word that lies": {listed + "Subject: =?x-klingon?q?=41?= =?utf-8?b?###?=\n\nHot.", `"content":"Hot."`},
		"1,000 parts in each other": {nested(1000, "Hot."), ""},
		"9 parts in each other":     {nested(9, "Hot."), `"content":"Hot."`},
		"100,000 parts": {listed + "Content-Type: multipart/mixed; boundary=b\n\n" +
			strings.Repeat("--b\n\nHot.\n", 100_000), `"content":"Hot."`},
		"no boundary": {listed + "Content-Type: multipart/mixed\n\nHot.", ""},
		"an endless boundary": {listed + "Content-Type: multipart/mixed; boundary=" +
			strings.Repeat("b", 100_000) + "\n\nHot.", ""},
		"a charset of nobody":        {listed + "Content-Type: text/plain; charset=x-klingon\n\nHot.", `"content":"Hot."`},
		"an encoding of nobody":      {listed + "Content-Transfer-Encoding: x-rot13\n\nUbg.", `"content":"Ubg."`},
		"base64 that is none":        {listed + "Content-Transfer-Encoding: base64\n\nSG90Lg==\n%%%%", `"content":"Hot.`},
		"quoted-printable that lies": {listed + "Content-Transfer-Encoding: quoted-printable\n\nHot.=\n=ZZ=", ""},
		"utf-16":                     {listed + "Content-Type: text/plain; charset=utf-16le\n\nH\x00o\x00t\x00.\x00", `"content":"Hot."`},
		"binary":                     {listed + "\n\x00\x01\xff\xfe\x1b[31mHot.", ""},
		"a header with a line end":   {listed + "Subject: =?utf-8?q?a=0D=0AX-Notifyd-Topic:_b?=\n\nHot.", `"subject":"a X-Notifyd-Topic: b"`},
		"a header without a name":    {": tea\n" + listed + "Sub ject: x\n nothing\nSubject: Hot\n\nHot.", `"subject":"Hot"`},
		"NUL in a header":            {listed + "Subject: H\x00ot\n\nHot.", `"subject":"Hot"`},
		"lines of CR":                {strings.ReplaceAll(listed+"\nHot.", "\n", "\r"), ""},
		"no header":                  {"Hot.", ""},
		"nothing":                    {"", ""},
		"headers alone":              {listed, `"list_id":"tea.example.org"`},
		"html alone":                 {listed + "Content-Type: text/html\n\n<style>x{}</style><p>Hot<script>alert(1)</script> &lt; &#8238;100.", `"content":"Hot  < 100.`},
		"a million tags":             {listed + "Content-Type: text/html\n\n" + strings.Repeat("<", 1_000_000), ""},
		"a bidirectional override":   {listed + "Subject: a\u202eb\n\nHot.", `"subject":"ab"`},
		"a text of a million fields": {strings.Replace(listed, "List-Id", "Subject: Accepted tea\nX", 1) + "\n" +
			strings.Repeat("Source: a\nVersion: 1\n", 500_000), ""},
	} {
		start := time.Now()
		out := outcome(t, all, c.text, mail.Options{Prefix: "org.example.prod"})
		if spent := time.Since(start); spent > 10*time.Second {
			t.Errorf("%s: %v", name, spent)
		}
		if out.Draft == nil {
			if c.want != "" {
				t.Errorf("%s: nothing came of it: %s, %v", name, out.Reason, out.Passed)
			}
			continue
		}
		if p := out.Draft.Payload; !bytes.Contains(p, []byte(c.want)) || len(p) > bus.MaxRead || !utf8.Valid(p) {
			t.Errorf("%s: %.300q has %d bytes, want %s", name, p, len(p), c.want)
		}
	}
}

// endless gives a mail and then as many bytes as are asked for, up to a bound.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range n {
		p[i] = "tea is hot\n"[i%11]
	}
	e.left -= n
	return n, nil
}

// TestLargeMail: of 50 MB the beginning is read, and the rest is taken, so that who writes it can end.
func TestLargeMail(t *testing.T) {
	rest := &endless{50 << 20}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m, err := mail.Read(io.MultiReader(strings.NewReader(listed+"\n"), rest))
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if rest.left > 0 {
		t.Errorf("%d bytes were not taken", rest.left)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 12*mail.MaxMail {
		t.Errorf("%d MiB were taken from memory", used>>20)
	}
	out, err := load(t).Message(m, mail.Options{Now: now})
	if err != nil || out.Draft == nil || len(out.Draft.Payload) > 200<<10 {
		t.Errorf("%v, %s", err, out.Reason)
	}
}

// FuzzMail: whatever a mail is, what comes of it is a message with the id and the topic that are told.
func FuzzMail(f *testing.F) {
	files, err := filepath.Glob("testdata/mails/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(nested(12, "Hot.")))
	all, err := mail.Load("")
	if err != nil {
		f.Fatal(err)
	}
	generic, err := all.Named([]string{"generic"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := mail.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, mappings := range []mail.Mappings{all, generic} {
			out, err := mappings.Message(m, mail.Options{Prefix: "org.example", Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if out.Draft == nil {
				if out.Reason == "" {
					t.Error("nothing came of it, and nobody says why")
				}
				continue
			}
			d := out.Draft
			read, err := bus.Decode(bus.Frame{Topic: d.Topic, Payload: d.Payload}, now)
			if err != nil || read.ID != d.ID || read.Topic != d.Topic || !strings.HasPrefix(d.ID, "mail:") ||
				!strings.HasPrefix(d.Topic, "org.example.") || read.Body == nil {
				t.Errorf("%q became %q: %v", text, d.Payload, err)
			}
		}
	})
}

// FuzzMbox: an archive never has more mails than lines that begin one, or one.
func FuzzMbox(f *testing.F) {
	f.Add([]byte("From a\nSubject: x\n\nHot.\n\nFrom b\n\n>From c\n>>From d\n"))
	f.Add([]byte("From a\n\nFrom b"))
	f.Add([]byte("\n\nHot."))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "mbox")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		err := mail.Archive(file, func(*mail.Mail, string) error { n++; return nil })
		if most := bytes.Count(text, []byte("From ")); n > max(1, most) || err != nil {
			t.Errorf("%d mails in %q: %v", n, text, err)
		}
	})
}
