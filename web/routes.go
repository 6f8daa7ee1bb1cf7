package web

import "net/http"

// A route is a method and path of the site, its handler, and who may use it.
type route struct {
	pattern string // method and path, as http.ServeMux reads it
	open    bool   // no sign-in is needed
	limit   int64  // bytes of a posted form; 0: formLimit
	serve   handler
}

// The bounds on posted forms.
const (
	formLimit        = 64 << 10
	filterLimit      = 2 << 20 // rulespec.MaxText in percent-encoding, or as many values in a form
	unsubscribeLimit = 4 << 10 // RFC 8058 posts one short field
)

// routes are all pages. GET and HEAD change nothing but the session's flash; only a POST acts.
func (s *site) routes() []route {
	return s.addReports([]route{
		{pattern: "GET /{$}", open: true, serve: firstPage},
		{pattern: "POST /signin", open: true, serve: askSignIn},
		{pattern: "GET /signin/{token}", open: true, serve: showSignIn},
		{pattern: "POST /signin/{token}", open: true, serve: signIn},
		{pattern: "GET /welcome", open: true, serve: showWelcome},
		{pattern: "POST /welcome", open: true, serve: register},
		{pattern: "POST /signout", serve: signOut},

		{pattern: "GET /filters", serve: listFilters},
		{pattern: "GET /filters/new", serve: newFilter},
		{pattern: "POST /filters", limit: filterLimit, serve: saveFilter},
		{pattern: "POST /filters/preview", limit: filterLimit, serve: previewFilter},
		{pattern: "POST /filters/undo", serve: undoDelete},
		{pattern: "GET /filters/{id}", serve: editFilter},
		{pattern: "POST /filters/{id}", limit: filterLimit, serve: saveFilter},
		{pattern: "POST /filters/{id}/on", serve: switchFilter(true)},
		{pattern: "POST /filters/{id}/off", serve: switchFilter(false)},
		{pattern: "POST /filters/{id}/copy", serve: copyFilter},
		{pattern: "GET /filters/{id}/delete", serve: askDeleteFilter},
		{pattern: "POST /filters/{id}/delete", serve: deleteFilter},

		{pattern: "GET /destinations", serve: listDestinations},
		{pattern: "POST /destinations", serve: addDestination},
		{pattern: "GET /destinations/{id}", serve: showDestination},
		{pattern: "POST /destinations/{id}", serve: saveSchedule},
		{pattern: "POST /destinations/{id}/on", serve: switchDestination(true)},
		{pattern: "POST /destinations/{id}/off", serve: switchDestination(false)},
		{pattern: "POST /destinations/{id}/resend", serve: resendCode},
		{pattern: "POST /destinations/{id}/confirm", serve: enterCode},
		{pattern: "POST /destinations/{id}/test", serve: sendTest},
		{pattern: "GET /destinations/{id}/delete", serve: askDeleteDestination},
		{pattern: "POST /destinations/{id}/delete", serve: deleteDestination},
		{pattern: "POST /destinations/{id}/tokens", serve: addToken},
		{pattern: "POST /destinations/{id}/tokens/{token}/revoke", serve: revokeToken},

		{pattern: "GET /notices", serve: listNotices},
		{pattern: "POST /notices/{id}/resend", serve: resendNotice},
		{pattern: "GET /messages", serve: listMessages},
		{pattern: "GET /messages/{id}", serve: showMessage},

		{pattern: "GET /stop/{token}", open: true, serve: askUnsubscribe},
		{pattern: "POST /stop/{token}", open: true, limit: unsubscribeLimit, serve: unsubscribe},
		{pattern: "POST /stop/{token}/undo", open: true, limit: unsubscribeLimit, serve: undoUnsubscribe},

		{pattern: "GET /settings", serve: showSettings},
		{pattern: "POST /settings", serve: saveSettings},
		{pattern: "GET /settings/filters.yaml", serve: exportFilters},
		{pattern: "POST /settings/import", limit: filterLimit, serve: importFilters},
		{pattern: "GET /settings/delete", serve: askDeleteAccount},
		{pattern: "POST /settings/delete", serve: deleteAccount},

		{pattern: "GET /help/rules", open: true, serve: helpRules},
	})
}

// mux mounts the routes under the base URL's path.
func (s *site) mux() http.Handler {
	pages := http.NewServeMux()
	for _, r := range s.routes() {
		pages.Handle(r.pattern, s.page(r))
	}
	pages.Handle("/", s.page(route{pattern: "/", open: true, serve: notFound(pages)}))

	outer := http.NewServeMux()
	outer.HandleFunc("GET "+s.path("/static/"), s.static)
	if s.Notices != nil {
		outer.Handle("GET "+s.path("/api/v1/notices"), s.Notices)
	}
	s.addArchive(outer, pages)
	outer.Handle(s.path("/"), http.StripPrefix(s.prefix, s.sessions.LoadAndSave(pages)))
	return outer
}
