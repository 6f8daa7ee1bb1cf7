package email

import (
	"errors"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

var errDomain = errors.New("the part after the @ is not a domain name")

// asciiDomain gives a domain in lower case, internationalised labels as A-labels (RFC 5890). Names of one label are
// mistyped more often than meant, so only localhost is taken.
func asciiDomain(domain string) (string, error) {
	domain = norm.NFKC.String(strings.ToLower(norm.NFKC.String(domain))) // the mapping of RFC 5895
	domain = strings.NewReplacer("。", ".", "｡", ".").Replace(domain)
	labels := strings.Split(domain, ".")
	if len(labels) < 2 && domain != "localhost" {
		return "", errors.New("the part after the @ has no dot: example.org")
	}
	for i, label := range labels {
		a, err := asciiLabel(label)
		if err != nil {
			return "", err
		}
		labels[i] = a
	}
	out := strings.Join(labels, ".")
	if !isHostName(out) {
		return "", errDomain
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "", errors.New("the part after the @ is a number, not a domain name")
	}
	return out, nil
}

func asciiLabel(label string) (string, error) {
	ascii := true
	for _, r := range label {
		if r >= 0x80 {
			ascii = false
			if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
				return "", errDomain
			}
		}
	}
	if ascii {
		return label, nil
	}
	if unicode.IsMark([]rune(label)[0]) || len(label) > 256 {
		return "", errDomain
	}
	return "xn--" + punycode(label), nil
}

// isHostName checks letters, digits and hyphens in labels of 1 to 63 (RFC 1123, section 2.1).
func isHostName(s string) bool {
	if len(s) > maxDomain {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-') {
				return false
			}
		}
	}
	return true
}

// punycode encodes a label by RFC 3492, section 6.3, without the prefix.
func punycode(label string) string {
	const base, tmin, tmax, initialBias, initialN = 36, 1, 26, 72, 0x80
	runes := []rune(label)
	var out []byte
	for _, r := range runes {
		if r < initialN {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(initialN), 0, initialBias
	for done := basic; done < len(runes); {
		next := rune(unicode.MaxRune)
		for _, r := range runes {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				out = append(out, punycodeDigit(t+(q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			out = append(out, punycodeDigit(q))
			bias = punycodeBias(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return string(out)
}

func punycodeDigit(d int) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}

// punycodeBias is the adaptation of RFC 3492, section 6.1.
func punycodeBias(delta, points int, first bool) int {
	if first {
		delta /= 700
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > 455; k += 36 {
		delta /= 35
	}
	return k + 36*delta/(delta+38)
}
