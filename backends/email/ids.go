package email

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"
)

// messageID is the same for every try of a parcel and different for every other: a server or a reader that got the
// message twice can tell (RFC 5322, section 3.6.4). An id that is fit for it is shown as it is, so that an operator
// finds it in the mail server's log; "p." and "h." keep the two forms apart.
func messageID(parcel, domain string) string {
	if id := "<p." + parcel + "@" + domain + ">"; isToken(parcel) && len(id) <= 60 { // a longer one would be folded
		return id
	}
	return "<h." + digestOf("parcel", parcel) + "@" + domain + ">"
}

// threadID is the id of a message that was never sent: the root under which mail programs gather all that is said
// of one object.
func threadID(object, domain string) string {
	return "<t." + digestOf("thread", object) + "@" + domain + ">"
}

// listID names the list that a message belongs to (RFC 2919): its application.
func listID(app, domain string) string {
	label := listLabel(app)
	return label + " notices <" + label + "." + domain + ">"
}

// listLabel makes one label of a domain name of an application's name.
func listLabel(app string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(app) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 40 {
			break
		}
	}
	if label := strings.Trim(b.String(), "-"); label != "" {
		return label
	}
	return "other"
}

// token is a dot-atom that every mail program accepts: letters, digits and hyphens, dots between them.
var token = regexp.MustCompile(`^[0-9A-Za-z]+((\.|-+)[0-9A-Za-z]+)*$`)

func isToken(s string) bool { return len(s) <= 40 && token.MatchString(s) }

// digestOf hashes what goes into an id; purpose keeps ids of different meaning apart. 130 bits do not collide.
func digestOf(purpose, s string) string {
	sum := sha256.Sum256([]byte(purpose + "\x00" + s))
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))[:26]
}
