package text_test

import (
	"regexp"
	"testing"

	"github.com/notifyd/notifyd/internal/text"
)

func TestDefang(t *testing.T) {
	for s, want := range map[string]string{
		// what some program makes a link of
		"see https://evil.example/login now": "see hxxps[://]evil[.]example/login now",
		"HTTP://EVIL.EXAMPLE":                "HXXP[://]EVIL[.]EXAMPLE",
		"ftp://evil.example/x":               "ftp[://]evil[.]example/x",
		"irc://irc.evil.example/chan":        "irc[://]irc[.]evil[.]example/chan",
		"www.evil.example":                   "www[.]evil[.]example",
		"evil.co.uk/login":                   "evil[.]co[.]uk/login",
		"evil.com.":                          "evil[.]com.",
		"(evil.com)":                         "(evil[.]com)",
		"xn--80ak6aa92e.xn--p1ai/x":          "xn--80ak6aa92e[.]xn--p1ai/x",
		"пример.рф":                          "пример[.]рф",
		"例え。テスト":                             "例え[。]テスト",
		"ｅｖｉｌ．ｃｏｍ":                           "ｅｖｉｌ[．]ｃｏｍ",
		"i❤.ws":                              "i❤[.]ws",
		"bob@evil.example":                   "bob[at]evil[.]example",
		"mailto:bob@evil.example":            "mailto[:]bob[at]evil[.]example",
		"javascript:alert(1)":                "javascript[:]alert(1)",
		"tel:+15551234":                      "tel[:]+15551234",
		"ms-msdt:/id":                        "ms-msdt[:]/id",
		"x-y+z.1:go":                         "x-y+z.1[:]go",
		"192.0.2.1:8080/login":               "192[.]0[.]2[.]1:8080/login",
		"::1]..192.0.2.1.5":                  "::1]..192[.]0[.]2[.]1[.]5",
		"evil.io\u00ad9, evil.io\u00adx9":    "evil[.]io\u00ad9, evil[.]io\u00adx9",
		"evil.comé1":                         "evil[.]comé1",
		"1\u200e192.0.2.1":                   "1\u200e192[.]0[.]2[.]1",
		"(\u200d.co":                         "(\u200d[.]co",
		"//evil//x, // y":                    "/[/]evil/[/]x, // y",
		"file:////a":                         "file[://][/][/]a",
		"(@evil.com)":                        "([at]evil[.]com)",
		`\\evil\share`:                       `[\]\evil\share`,
		"http://[2001:db8::1]/x":             "hxxp[://][2001:db8[:]:1]/x",
		"xhttp://a":                          "xhxxp[://]a",
		"httphttps://a":                      "httphxxps[://]a",
		"a\u200e.\u200ecom":                  "a\u200e[.]\u200ecom", // a backend may drop what nobody sees
		"evil.\u202ecom":                     "evil[.]com",
		"evil.c\u200dom":                     "evil[.]c\u200dom",
		"htt\u200dps\u2060://a":              "hxx\u200dps\u2060[://]a",
		"evil.\x03com":                       "evil[.]com",
		"evil.co1/x, song.mp3":               "evil[.]co1/x, song[.]mp3",
		"setup.py":                           "setup[.]py",
		"https://a.example/?u=https://b.com": "hxxps[://]a[.]example/?u=hxxps[://]b[.]com",

		// what none does
		"":                                     "",
		"bash was built.":                      "bash was built.",
		"carol built bash-5.3-1.fc19 at 12:30": "carol built bash-5.3-1.fc19 at 12:30",
		"2026-03-04T05:06:07Z, 1.2.3, v2.6.32": "2026-03-04T05:06:07Z, 1.2.3, v2.6.32",
		"error: no such file, e.g. this one":   "error: no such file, e.g. this one",
		"[bash] @alice said: yes... and no":    "[bash] @alice said: yes... and no",
		"a:x.yz, b://news":                     "a[:]x[.]yz, b[://]news",
		"C:\\dir, at 1:a ":                     "C:\\dir, at 1:a ",
	} {
		got := text.Defang(s)
		if got != want {
			t.Errorf("Defang(%q) = %q, want %q", s, got, want)
		}
		if again := text.Defang(got); again != got {
			t.Errorf("Defang(%q) = %q, want it as it is", got, again)
		}
	}
}

// linked is what programs look for, stripped of the lists of schemes and domains that each has: any would do.
var linked = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]+://|\bwww\.\pL|[\pL\pN]@+[\pL\pN]|` +
	`[\pL\pN-]\.(\pL\pM*){2,}([^\pL\pM\pN\p{Cf}]|$)|\\\\\w|[a-z][a-z0-9+.-]*[a-z]:[a-z/]|` +
	`(^|[^\d.])\d{1,3}(\.\d{1,3}){3}([^\d.]|$)`)

// release is what may be left of 1.fc19: no domain is called so.
var release = regexp.MustCompile(`(?i)\.(fc|el|rc)…?$`)

func FuzzDefang(f *testing.F) {
	for _, s := range []string{"https://a.example/b", "www.a.b", "bob@a.example", "a.com.b1.org", "192.0.2.1", `\\a\b`,
		"\u200ea.\u200fcom", "x:y:zz:a", "tel:1", "e\u0301.co\u0301m", "a..com", "a.\x00b", "((mailto:a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := text.Defang(s)
		for i := range got[:min(len(got), 200)] { // whoever shows it may cut it anywhere
			for _, shown := range []string{got, got[:i] + text.Ellipsis, got[i:]} {
				for _, part := range linked.FindAllString(shown, -1) {
					if !release.MatchString(part) {
						t.Fatalf("Defang(%q) = %q, in which %q may become a link", s, got, part)
					}
				}
			}
		}
		if again := text.Defang(got); again != got {
			t.Errorf("Defang(%q) = %q, then %q", s, got, again)
		}
	})
}
