package datagrepper

import (
	"net/http"
	"strings"
)

// contentPolicy lets a page of cards show pictures and its own style, and nothing else: others wrote all that is on it.
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'"

// cors sets the headers by which pages of other origins may read the answers (Fetch standard, "CORS protocol"). No
// answer allows credentials: nothing is served by them.
func (s *server) cors(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	if s.Private {
		return
	}
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // for charts as pictures, and JSONP
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || len(origin) > mostValue || !s.allows(origin) {
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if r.Header.Get("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, OPTIONS")
	}
	if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" && len(wanted) <= mostValue {
		names := strings.Split(wanted, ",")
		for i := range names {
			names[i] = strings.TrimSpace(names[i])
		}
		h.Set("Access-Control-Allow-Headers", strings.Join(names, ", "))
	}
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Max-Age", "600")
	}
}

func (s *server) allows(origin string) bool {
	for _, re := range s.origins {
		if re.MatchString(origin) {
			return true
		}
	}
	return false
}
