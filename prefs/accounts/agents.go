package accounts

import "strings"

// Programs and systems, by what stands in a User-Agent header. The order matters: each browser also claims to be those
// it descends from (RFC 9110, section 10.1.5, says what the header is).
var (
	programs = []struct{ mark, name string }{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"Epiphany/", "GNOME Web"}, {"Falkon/", "Falkon"},
		{"Chromium/", "Chromium"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
		{"curl/", "curl"}, {"Wget/", "Wget"}, {"python-requests/", "a Python program"}, {"Go-http-client/", "a Go program"},
		{"notifyd", "the agent of notifyd"}, {"w3m/", "w3m"}, {"Lynx/", "Lynx"}, {"Links ", "Links"},
	}
	systems = []struct{ mark, name string }{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
		{"Mac OS X", "macOS"}, {"FreeBSD", "FreeBSD"}, {"OpenBSD", "OpenBSD"}, {"NetBSD", "NetBSD"}, {"Linux", "Linux"},
	}
)

// AgentWords names a browser in words, without its version: "Firefox on Linux". A program can call itself what it
// likes, so this helps a person to recognise their own, and proves nothing.
func AgentWords(agent string) string {
	program := "an unknown program"
	for _, p := range programs {
		if strings.Contains(agent, p.mark) {
			program = p.name
			break
		}
	}
	for _, s := range systems {
		if strings.Contains(agent, s.mark) {
			return program + " on " + s.name
		}
	}
	return program
}
