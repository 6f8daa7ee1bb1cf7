package email

import (
	"net/mail"
	"strings"
	"testing"
)

func TestCheckAddress(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"alice@example.org", "alice@example.org"},
		{"  alice@example.org ", "alice@example.org"},
		{"Alice@EXAMPLE.org", "Alice@example.org"},
		{"alice+fedora@example.org", "alice+fedora@example.org"},
		{"o'brien_1.x-y@sub.example.co.uk", "o'brien_1.x-y@sub.example.co.uk"},
		{"alice@localhost", "alice@localhost"},
		{"alice@bücher.example", "alice@xn--bcher-kva.example"},
		{"alice@BÜCHER.Example", "alice@xn--bcher-kva.example"},
		{"alice@bu\u0308cher.example", "alice@xn--bcher-kva.example"},
		{"alice@日本語。jp", "alice@xn--wgv71a119e.jp"},
		{"alice@ｅｘａｍｐｌｅ.org", "alice@example.org"},
		{"alice@xn--bcher-kva.example", "alice@xn--bcher-kva.example"},
		{strings.Repeat("a", 64) + "@example.org", strings.Repeat("a", 64) + "@example.org"},
	} {
		if got, err := CheckAddress(c.in); err != nil || got != c.want {
			t.Errorf("CheckAddress(%q) = %q, %v, want %q", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{
		"", " ", "alice", "@example.org", "alice@", "alice@example", "a@b@example.org", "alice@@example.org", ".a@example.org",
		"a.@example.org", "a..b@example.org", `"a b"@example.org`, "a b@example.org", "Alice <alice@example.org>", "<alice@example.org>",
		"alice@[127.0.0.1]", "alice@127.0.0.1", "alice@example.org\r\nBcc: x@example.org", "alice@example.org\n", "\talice@example.org",
		"alice@exa mple.org", "alice@-example.org", "alice@example-.org", "alice@exam_ple.org", "alice@.example.org", "alice@example..org",
		"alice@example.org.", "älice@example.org", "alice(comment)@example.org", "alice@example.org,bob@example.org", "alice@example.org;x",
		"a\x00@example.org", "a\xff@example.org", "alice@ex\u202eample.org", "alice@ex\u200dample.org", "alice@\u0301x.org", "alice@ex☃.org",
		strings.Repeat("a", 65) + "@example.org", "a@" + strings.Repeat("b", 64) + ".org", "a@" + strings.Repeat("b.", 130) + "org",
		"a@" + strings.Repeat("ü", 60) + ".org", strings.Repeat("x", 100_000),
	} {
		if got, err := CheckAddress(in); err == nil {
			t.Errorf("CheckAddress(%.60q) = %q, want an error", in, got)
		}
	}
}

// The samples of RFC 3492, section 7.1, without those that keep upper case.
func TestPunycode(t *testing.T) {
	for in, want := range map[string]string{
		"\u0644\u064A\u0647\u0645\u0627\u0628\u062A\u0643\u0644\u0645\u0648\u0634\u0639\u0631\u0628\u064A\u061F":                               "egbpdaj6bu4bxfgehfvwxn",
		"\u4ED6\u4EEC\u4E3A\u4EC0\u4E48\u4E0D\u8BF4\u4E2D\u6587":                                                                               "ihqwcrb4cv8a8dqg056pqjye",
		"\u05DC\u05DE\u05D4\u05D4\u05DD\u05E4\u05E9\u05D5\u05D8\u05DC\u05D0\u05DE\u05D3\u05D1\u05E8\u05D9\u05DD\u05E2\u05D1\u05E8\u05D9\u05EA": "4dbcagdahymbxekheh6e0a7fei0b",
		"3\u5E74B\u7D44\u91D1\u516B\u5148\u751F":                                                                                               "3B-ww4c5e180e575a65lsy2b",
		"\u305D\u306E\u30B9\u30D4\u30FC\u30C9\u3067":                                                                                           "d9juau41awczczp",
		"-> $1.00 <-": "-> $1.00 <--",
		"bücher":      "bcher-kva",
	} {
		if got := punycode(in); got != want {
			t.Errorf("punycode(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzCheckAddress: what is accepted is stable, is understood by net/mail as the same, and cannot break a line of SMTP.
func FuzzCheckAddress(f *testing.F) {
	for _, s := range []string{
		"alice@example.org", "a+b@bücher.example", "a@b\r\nRCPT TO:<x@y.z>", "\"a\"@b.c", "a@[::1]", "日本@日本.jp", "a@x。y", "a@xn--.org", "a@ǅ.org", "a@ﬀ.org",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := CheckAddress(s)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Errorf("a long error: %.300q", err)
			}
			return
		}
		if again, err := CheckAddress(got); err != nil || again != got {
			t.Errorf("CheckAddress(%q) = %q, of which it makes %q, %v", s, got, again, err)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("<>,;\"\\()[]:", r) }) || len(got) > maxAddress {
			t.Errorf("CheckAddress(%q) = %q", s, got)
		}
		if a, err := mail.ParseAddress(got); err != nil || a.Address != got {
			t.Errorf("net/mail reads %q as %v, %v", got, a, err)
		}
	})
}
