package accounts

import "sync"

// reserved are the names that nobody may choose: first parts of addresses of pages (routes), what people take for the
// operators (roles), and what programs write where they mean nobody (pseudo). The list follows those of Gitea and of
// RFC 2142.
var reserved = struct{ routes, roles, pseudo []string }{
	routes: []string{
		"api", "archive", "assets", "avatars", "charts", "dashboard", "destinations", "favicon.ico", "feed", "feeds",
		"filters", "fresh", "healthz", "help", "hooks", "id", "invite", "live", "login", "logout", "messagecount",
		"messages", "metrics", "notices", "notifications", "oidc", "operators", "raw", "readyz", "register", "reports",
		"robots.txt", "security", "settings", "sign-in", "signin", "signout", "signup", "static", "stop", "undo", "user",
		"users", "welcome", "well-known", "widget.js",
	},
	roles: []string{
		"abuse", "admin", "administrator", "billing", "ca", "contact", "daemon", "help", "helper", "hostmaster", "info",
		"infra", "mailer-daemon", "moderator", "news", "no-reply", "noc", "noreply", "notifyd", "operator", "owner",
		"postmaster", "root", "security", "staff", "superuser", "support", "sysadmin", "system", "webmaster",
	},
	pseudo: []string{
		"all", "anonymous", "bot", "bots", "deleted", "everybody", "everyone", "ghost", "group", "groups", "guest", "here",
		"me", "nil", "no-one", "nobody", "none", "null", "orphan", "orphaned", "retired", "self", "somebody", "undefined",
		"unknown", "you",
	},
}

// lookAlikes are the reserved names by their skeletons.
var lookAlikes = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for _, names := range [][]string{reserved.routes, reserved.roles, reserved.pseudo} {
		for _, name := range names {
			skeleton := Skeleton(name)
			all[skeleton] = append(all[skeleton], name)
		}
	}
	return all
})

// isReserved reports whether a name is reserved, or would pass for one that is.
func isReserved(name string) bool {
	for _, other := range lookAlikes()[Skeleton(name)] {
		if Mistakable(name, other) {
			return true
		}
	}
	return false
}

// isPseudo reports whether programs write a name where they mean nobody. A provider or the directory that gives such a
// name would let one person own what nobody owns.
func isPseudo(name string) bool {
	switch Fold(name) {
	case "orphan", "nobody", "null", "none", "unknown", "anonymous":
		return true
	}
	return false
}
