package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/config"
)

// A section has a field of each form that sections have.
type section struct {
	Name     string            `yaml:"name"`
	Names    []string          `yaml:"names"`
	ByName   map[string]string `yaml:"by_name"`
	Inner    inner             `yaml:"inner"`
	Wait     time.Duration     `yaml:"wait"`
	Count    int               `yaml:"count"`
	APIToken string            `yaml:"api_token"`
	Cookies  []string          `yaml:"cookies"`
	KeyFile  string            `yaml:"tls_key" secret:"false"`
	Logins   map[string]login  `yaml:"logins"`
}

type inner struct {
	Text string `yaml:"text"`
}

type login struct {
	Keytab string `yaml:"keytab" secret:"file"`
}

func (s *section) SetDefaults() {
	if s.Wait == 0 {
		s.Wait = time.Minute
	}
}

// read decodes the section "part" of a file with this text.
func read(t *testing.T, text string, environ ...string) (*config.File, section, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notifyd.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := config.Read(name, environ)
	if err != nil {
		return nil, section{}, err
	}
	var s section
	err = f.Section("part")(&s)
	return f, s, err
}

// TestTextAsWritten: a text key has the text as it is written, even where YAML would read a number.
func TestTextAsWritten(t *testing.T) {
	for _, text := range []string{
		"0123", "1.10", "1_000", "0x1F", "0o17", "1e3", "+5", "-0", ".inf", ".NaN", "True", "false", "no", "2001-01-01",
		"0b11", "12e03", "00", "1.", "9223372036854775808",
	} {
		yaml := "part:\n  name: " + text + " # a comment\n  names: [" + text + ", &a " + text + ", *a]\n" +
			"  by_name: {" + text + ": " + text + "}\n  inner:\n    text:   " + text + "\n"
		_, s, err := read(t, yaml)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want := section{
			Name: text, Names: []string{text, text, text}, ByName: map[string]string{text: text},
			Inner: inner{text}, Wait: time.Minute,
		}
		if !reflect.DeepEqual(s, want) {
			t.Errorf("%s: read %+v, want %+v", text, s, want)
		}
		if _, s, err := read(t, "", "NOTIFYD_PART__NAME="+text, "NOTIFYD_PART__NAMES=["+text+"]"); err != nil ||
			s.Name != text || len(s.Names) != 1 || s.Names[0] != text {
			t.Errorf("%s in the environment: read %+v, %v", text, s, err)
		}
	}
}

// TestTextForms: quotes, tags and blocks have their meaning in YAML.
func TestTextForms(t *testing.T) {
	for written, want := range map[string]string{
		`"0123"`: "0123", `'1.10'`: "1.10", "!!str 017": "017", "|\n    01\n": "01\n", "~": "", "": "", `""`: "",
	} {
		if _, s, err := read(t, "part:\n  name: "+written+"\n"); err != nil || s.Name != want {
			t.Errorf("name: %s gives %q, %v; want %q", written, s.Name, err, want)
		}
	}
}

func TestNumbersStayNumbers(t *testing.T) {
	if _, s, err := read(t, "part: {count: 1_000}"); err != nil || s.Count != 1000 {
		t.Errorf("count: 1_000 gives %d, %v", s.Count, err)
	}
	if _, _, err := read(t, "part:\n  count: many\n"); err == nil ||
		!strings.Contains(err.Error(), "yaml:2:10: found \"many\"; expected a whole number") {
		t.Errorf("count: many gives %v", err)
	}
}

func TestAliases(t *testing.T) {
	for text, want := range map[string]string{
		"part:\n  name: *nobody\n":                                               `no such anchor before this alias`,
		"part:\n  inner: &i {text: a}\n  names: *i\n":                            "expected a list",
		"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + bomb("abcdefgh") + "part: {}": "aliases expand to more than",
	} {
		if _, _, err := read(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v; want an error with %q", text, err, want)
		}
	}
}

// bomb returns lists, each with ten aliases of the list before.
func bomb(names string) string {
	var b strings.Builder
	for i := 1; i < len(names); i++ {
		before, own := names[i-1:i], names[i:i+1]
		b.WriteString(own + ": &" + own + " [*" + before + strings.Repeat(", *"+before, 9) + "]\n")
	}
	return b.String()
}

// TestSecretsByName: a secret whose field has no tag is masked too, and can be set by a file.
func TestSecretsByName(t *testing.T) {
	dir := t.TempDir()
	token, cookies := filepath.Join(dir, "token"), filepath.Join(dir, "cookies")
	for name, text := range map[string]string{token: "0123\n", cookies: "- first\n- 0456\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, s, err := read(t, "part:\n  api_token_file: "+token+"\n  cookies_file: "+cookies+"\n  tls_key: /etc/key.pem\n")
	if err != nil {
		t.Fatal(err)
	}
	if s.APIToken != "0123" || !reflect.DeepEqual(s.Cookies, []string{"first", "0456"}) {
		t.Errorf("read %+v", s)
	}
	var out bytes.Buffer
	if err := f.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"0123", "first", "0456"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the secret %s is printed:\n%s", secret, &out)
		}
	}
	if !strings.Contains(out.String(), "tls_key: /etc/key.pem") {
		t.Errorf("what the tag calls public is masked:\n%s", &out)
	}
	if _, _, err := read(t, "part:\n  api_token: a\n  api_token_file: "+token+"\n"); err == nil ||
		!strings.Contains(err.Error(), "exclude each other") {
		t.Errorf("a secret and its file together: %v", err)
	}
	if _, _, err := read(t, "part:\n  cookies: sesame\n"); err == nil || strings.Contains(err.Error(), "sesame") {
		t.Errorf("a secret of the wrong form: %v", err)
	}
	if _, _, err := read(t, "part:\n  tls_key_file: a\n"); err == nil ||
		!strings.Contains(err.Error(), `unknown key "tls_key_file"`) {
		t.Errorf("the file of what is no secret: %v", err)
	}
}

// TestErrorsQuoteNoSecret: what may be a password is in no error, however it came to stand there.
func TestErrorsQuoteNoSecret(t *testing.T) {
	for _, text := range []string{
		"part:\n  api_token: *hunter2\n", "part:\n  api_token: |hunter2\n", "part:\n  api_token: !!bool hunter2\n",
		"part: postgres://u:hunter2@h/db\n", "part:\n  api_token: !hunter2 x\n",
	} {
		if _, _, err := read(t, text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, value := range []string{"[{name: a, word: hunter2}]", "hunter2\xff"} {
		if _, _, err := read(t, "", "NOTIFYD_PART__BY_NAME="+value); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q in the environment: %v", value, err)
		}
	}
}

// TestWhatIsRefused: what YAML would quietly read as something else.
func TestWhatIsRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"part: {count: 025}":                    "without a leading 0",
		"part: {name: !!float 1.10}":            "a tag is not used here",
		"part: {api_token_file: " + empty + "}": "is empty",
		"part: {api_token_file: " + pipe + "}":  "is empty",
	} {
		if _, _, err := read(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want an error with %q", text, err, want)
		}
	}
	if _, s, err := read(t, "\ufeffpart: {names: [&a 0123, !!str *a], name: \"b\"}"); err != nil || s.Names[1] != "0123" {
		t.Errorf("a byte order mark, and an alias below a tag: %+v, %v", s, err)
	}
}

// TestPrintSaysWhatIsInEffect: Print shows the default itself, not the zero that stands for it.
func TestPrintSaysWhatIsInEffect(t *testing.T) {
	f, _, err := read(t, "part:\n  name: 0123\n")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Print(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "wait: 1m0s") || !strings.Contains(out.String(), `name: "0123"`) {
		t.Errorf("printed\n%s", &out)
	}
}

// TestExposed: a file with secrets that every account may read is named; one without secrets is not.
func TestExposed(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	for _, c := range []struct {
		text         string
		config, file os.FileMode
		want         int
	}{
		{"part: {name: a}", 0o644, 0o600, 0},
		{"part: {api_token: a}", 0o644, 0o600, 1},
		{"part: {api_token: a}", 0o640, 0o600, 0},
		{"part: {api_token: ''}", 0o644, 0o600, 0},
		{"part: {api_token_file: " + secret + "}", 0o644, 0o600, 0},
		{"part: {api_token_file: " + secret + "}", 0o644, 0o604, 1},
		{"part: {cookies: [a]}", 0o604, 0o600, 1},
		{"part: {logins: {a: {keytab: " + secret + "}}}", 0o644, 0o600, 0},
		{"part: {logins: {a: {keytab: " + secret + "}, b: {keytab: " + secret + "}}}", 0o644, 0o604, 1},
	} {
		if err := os.WriteFile(secret, []byte("a"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(secret, c.file); err != nil {
			t.Fatal(err)
		}
		f, _, err := read(t, c.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f.Name(), c.config); err != nil {
			t.Fatal(err)
		}
		if got := f.Exposed(); len(got) != c.want {
			t.Errorf("%s, modes %o and %o: %q, want %d", c.text, c.config, c.file, got, c.want)
		}
	}
}

// TestChanged reads a file, changes it and reads it again: Changed returns only the names of the keys that differ.
func TestChanged(t *testing.T) {
	type mail struct {
		Host     string   `yaml:"host"`
		Password string   `yaml:"password"`
		Servers  []string `yaml:"servers"`
		TLS      struct {
			Mode string `yaml:"mode"`
		} `yaml:"tls"`
	}
	secret := filepath.Join(t.TempDir(), "secret")
	for _, c := range []struct{ before, after, want string }{
		{"mail: {host: a}", "mail: {host: a}", ""},
		{"mail: {host: a}", "# a comment\nmail:\n  host: 'a'", ""},
		{"mail: {host: a}", "mail: {host: b, servers: [x]}", "mail.host mail.servers"},
		{"mail: {servers: [x, y]}", "mail: {servers: [y, x]}", "mail.servers"},
		{"mail: {tls: {mode: x}}", "mail: {tls: {mode: y}}", "mail.tls.mode"},
		{"mail: {password: swordfish}", "mail: {password: tuna}", "mail.password"},
		// the file changes
		{"mail: {password_file: " + secret + "}", "mail: {password_file: " + secret + "}", "mail.password"},
		{"mail: {host: environment}", "mail: {host: wins}", ""},
		{"mail: {host: a}", "irc: {host: a}", "irc mail"},
	} {
		name := filepath.Join(t.TempDir(), "n.yaml")
		environ := []string{"NOTIFYD_OTHER=1"}
		if strings.Contains(c.before, "environment") {
			environ = append(environ, "NOTIFYD_MAIL__HOST=e")
		}
		decode := func(f *config.File) *config.File {
			for _, section := range []string{"mail", "irc"} {
				if f.Has(section) {
					if err := f.Section(section)(&mail{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			return f
		}
		write := func(text string, name string) {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(c.before, name)
		write("swordfish", secret)
		f, err := config.Read(name, environ)
		if err != nil {
			t.Fatal(err)
		}
		decode(f)
		write(c.after, name)
		write("tuna", secret)
		next, err := f.Reread()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(f.Changed(decode(next)), " "); got != c.want {
			t.Errorf("Changed from %q to %q = %q, want %q", c.before, c.after, got, c.want)
		}
	}
}
