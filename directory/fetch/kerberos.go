package fetch

import (
	"context"
	"net/http"
	"sync"

	"github.com/notifyd/notifyd/directory/kerberos"
)

// A negotiation shows a server who we are by Kerberos: by a token for each request, or by the cookies of a session
// where the server keeps one, as mod_auth_gssapi does, so that it need not look at a ticket each time. It is safe for
// concurrent use.
type negotiation struct {
	kerberos *kerberos.Client

	mu      sync.Mutex
	session map[string]string // cookies by name, from an answer to a token
	held    bool              // a session was taken instead of a token
	never   bool              // the server has cookies, and they are no sessions
}

// show makes a request one of ours.
func (n *negotiation) show(ctx context.Context, r *http.Request) error {
	r.Header.Del("Authorization")
	r.Header.Del("Cookie")
	if n.showSession(r) {
		return nil
	}
	header, err := n.kerberos.Header(ctx)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", header)
	return nil
}

func (n *negotiation) showSession(r *http.Request) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.never {
		return false
	}
	for name, value := range n.session {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return len(n.session) > 0
}

// maxCookies bounds those that are kept.
const maxCookies = 16

// took keeps the cookies of an answer that was good.
func (n *negotiation) took(answer *http.Response) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = n.held || answer.Request.Header.Get("Authorization") == ""
	for _, c := range answer.Cookies() {
		switch {
		case c.MaxAge < 0 || c.Value == "":
			delete(n.session, c.Name)
		case len(n.session) < maxCookies:
			if n.session == nil {
				n.session = map[string]string{}
			}
			n.session[c.Name] = c.Value
		}
	}
}

// refused forgets session and ticket: the next request logs in again.
func (n *negotiation) refused() {
	n.mu.Lock()
	n.never = n.never || len(n.session) > 0 && !n.held
	n.session = nil
	n.mu.Unlock()
	n.kerberos.Forget()
}
