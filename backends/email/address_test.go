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
		"", " ", "alice", "@example.org", "alice@", "alice@example", "a@b@example.org", "alice@@example.org",
		".a@example.org", "a.@example.org", "a..b@example.org", `"a b"@example.org`, "a b@example.org",
		"Alice <alice@example.org>", "<alice@example.org>", "alice@[127.0.0.1]", "alice@127.0.0.1",
		"alice@example.org\r\nBcc: x@example.org", "alice@example.org\n", "\talice@example.org",
		"alice@exa mple.org", "alice@-example.org", "alice@example-.org", "alice@exam_ple.org", "alice@.example.org",
		"alice@example..org", "alice@example.org.", "älice@example.org", "alice(comment)@example.org",
		"alice@example.org,bob@example.org", "alice@example.org;x", "a\x00@example.org", "a\xff@example.org",
		"alice@ex\u202eample.org", "alice@ex\u200dample.org", "alice@\u0301x.org", "alice@ex☃.org",
		strings.Repeat("a", 65) + "@example.org", "a@" + strings.Repeat("b", 64) + ".org",
		"a@" + strings.Repeat("b.", 130) + "org", "a@" + strings.Repeat("ü", 60) + ".org",
		strings.Repeat("x", 100_000),
	} {
		if got, err := CheckAddress(in); err == nil {
			t.Errorf("CheckAddress(%.60q) = %q, want an error", in, got)
		}
	}
}

func TestCheckAddressInternational(t *testing.T) {
	for _, c := range []struct{ name, domain, want string }{
		{"a label that decodes", "xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"upper case in a label", "XN--BCHER-KVA.Example", "xn--bcher-kva.example"},
		{"sharp s is a letter of its own", "faß.example", "xn--fa-hia.example"},
		{"final sigma is one, too", "φιλος.example", "xn--uxaemmq.example"},
		{"right to left", "שלום.example", "xn--9dbne9b.example"},
		{"right to left, digit at the end", "א1.example", "xn--1-zhc.example"},
		{"non-joiner between Arabic letters", "نامه\u200cای.example", "xn--mgba3gch31f060k.example"},
		{"joiner behind a virama", "क्\u200dष.example", "xn--11b2ezcw70k.example"},
		{"full stops of other scripts", "日本語。例え．jp", "xn--wgv71a119e.xn--r8jz45g.jp"},
		{"hyphens in third and fourth place", "r3---sn-x.example", "r3---sn-x.example"},
		{"63 letters", strings.Repeat("b", 63) + ".example", strings.Repeat("b", 63) + ".example"},

		{"not Punycode", "xn--99999999.example", ""},
		{"Punycode of nothing", "xn--.example", ""},
		{"Punycode of ASCII", "xn--a-.example", ""},
		{"Punycode of a control character", "xn--a.example", ""},
		{"Punycode of what is not in normal form", "xn--bucher-xyd.example", ""},
		{"prefix before a letter that is not ASCII", "xn--bücher.example", ""},
		{"a symbol", "i❤.example", ""},
		{"a sign that is not allowed", "a≠b.example", ""},
		{"a number with a full stop in it", "a⒈.example", ""},
		{"soft hyphen", "exam\u00adple.example", ""},
		{"mark at the beginning", "\u0301a.example", ""},
		{"override", "a\u202eb.example", ""},
		{"both directions in a label", "אa.example", ""},
		{"right to left behind a digit", "1א.example", ""},
		{"two kinds of digits", "۰١.example", ""},
		{"joiner between Latin letters", "ab\u200dc.example", ""},
		{"non-joiner between Latin letters", "ab\u200cc.example", ""},
		{"64 letters", strings.Repeat("b", 64) + ".example", ""},
		{"64 letters in Punycode", strings.Repeat("ü", 60) + ".example", ""},
		{"254 letters", strings.Repeat("b.", 124) + "example", ""},
		{"full stop at the end", "example.example。", ""},
		{"hyphen before a mark", "-ü.example", ""},
	} {
		want := c.want
		if want != "" {
			want = "a@" + want
		}
		if got, err := CheckAddress("a@" + c.domain); got != want || (err == nil) != (c.want != "") {
			t.Errorf("%s: CheckAddress(a@%s) = %q, %v, want %q", c.name, c.domain, got, err, want)
		}
	}
}

// FuzzCheckAddress: what is accepted is stable, is understood by net/mail as the same, and cannot break a line of SMTP.
func FuzzCheckAddress(f *testing.F) {
	for _, s := range []string{
		"alice@example.org", "a+b@bücher.example", "a@b\r\nRCPT TO:<x@y.z>", "\"a\"@b.c", "a@[::1]", "日本@日本.jp",
		"a@x。y", "a@xn--.org", "a@ǅ.org", "a@ﬀ.org",
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
		if strings.ContainsFunc(got, func(r rune) bool {
			return r <= ' ' || r >= 0x7f ||
				strings.ContainsRune("<>,;\"\\()[]:", r)
		}) || len(got) > maxAddress {
			t.Errorf("CheckAddress(%q) = %q", s, got)
		}
		if a, err := mail.ParseAddress(got); err != nil || a.Address != got {
			t.Errorf("net/mail reads %q as %v, %v", got, a, err)
		}
	})
}
