package directory

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Nick is the name of a person in a chat. Nobody has verified that it is theirs.
type Nick struct {
	Protocol string `json:"protocol"` // irc or matrix
	Name     string `json:"name"`
	// Server is the host in small letters, with its port where one was given; "" where the source names none and no
	// default is configured.
	Server string `json:"server,omitempty"`
}

// String returns a nick in the form that ParseNick reads.
func (n Nick) String() string {
	if n.Server == "" {
		return n.Protocol + ":/" + n.Name
	}
	return n.Protocol + "://" + n.Server + "/" + n.Name
}

// The protocols of nicks.
const (
	IRC    = "irc"
	Matrix = "matrix"
)

// errNoNick is wrapped by the error for a nick that cannot be read.
var errNoNick = errors.New("no nick")

// ParseNick reads a nick as noggin and FreeIPA store it: irc:/nick, irc:///nick, irc:nick, irc://host/nick, the same
// with matrix and with host:port, @user:host as Matrix itself writes it, and a bare nick, which is one of IRC.
//
// It is no parser of URLs, since such nicks are none: they hold [ ] \ ^ { } | and %, and those of Matrix hold slashes.
// Without a server the one in servers is taken, by protocol.
func ParseNick(text string, servers map[string]string) (Nick, error) {
	if len(text) > 4*MaxName || !utf8.ValidString(text) {
		return Nick{}, fmt.Errorf("%w: it is too long, or not UTF-8", errNoNick)
	}
	text = strings.TrimSpace(text)
	n := Nick{Protocol: IRC, Name: text}
	if protocol, rest, ok := strings.Cut(text, ":"); ok && isProtocol(protocol) {
		n.Protocol = strings.ToLower(protocol)
		if n.Server, n.Name, ok = split(rest); !ok {
			return Nick{}, fmt.Errorf("%w: %.80q names a server and nobody there", errNoNick, text)
		}
	} else if ok && strings.HasPrefix(text, "@") {
		n.Protocol = Matrix
	}
	if whole, ok := strings.CutPrefix(n.Name, "@"); ok && n.Protocol == Matrix {
		name, server, hasServer := strings.Cut(whole, ":")
		if n.Name = name; hasServer {
			n.Server = server
			if server == "" {
				return Nick{}, fmt.Errorf("%w: %.80q names no server", errNoNick, text)
			}
		}
	}
	if n.Server = strings.ToLower(n.Server); n.Server == "" {
		n.Server = strings.ToLower(servers[n.Protocol])
	} else if !isHost(n.Server) {
		return Nick{}, fmt.Errorf("%w: the server of %.80q is no host", errNoNick, text)
	}
	if !isNick(n) {
		return Nick{}, fmt.Errorf("%w: %.80q", errNoNick, text)
	}
	return n, nil
}

func isProtocol(text string) bool {
	return strings.EqualFold(text, IRC) || strings.EqualFold(text, Matrix)
}

// split parts what stands behind "irc:" into server and nick.
func split(rest string) (server, nick string, ok bool) {
	behind, hasServer := strings.CutPrefix(rest, "//")
	if !hasServer {
		return "", strings.TrimPrefix(rest, "/"), true
	}
	return strings.Cut(behind, "/")
}

// isHost reports whether text can be a host, with a port or without.
func isHost(text string) bool {
	if host, port, err := net.SplitHostPort(text); err == nil {
		if port == "" || strings.Trim(port, "0123456789") != "" || len(port) > 5 {
			return false
		}
		text = host
	}
	if net.ParseIP(strings.Trim(text, "[]")) != nil {
		return true
	}
	return text != "" && len(text) <= 253 && !strings.HasPrefix(text, ".") &&
		!strings.ContainsFunc(text, func(r rune) bool {
			return r != '-' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})
}

// isNick reports whether a nick can be one: those of IRC as RFC 2812 has them, of any length; those of Matrix without
// what would end them.
func isNick(n Nick) bool {
	if n.Name == "" || len(n.Name) > MaxName {
		return false
	}
	if n.Protocol == Matrix {
		return !strings.ContainsFunc(n.Name, func(r rune) bool {
			return r == ':' || r == '@' || unicode.IsSpace(r) || !unicode.IsPrint(r)
		})
	}
	first := n.Name[0]
	return first != '-' && !('0' <= first && first <= '9') && !strings.ContainsFunc(n.Name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("[]\\`_^{|}-", r)
	})
}
