package web

import (
	"encoding/gob"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
)

// lifetime is how long a session lasts. Use does not extend it: otherwise every GET would write to the database.
const lifetime = 30 * 24 * time.Hour

// The keys of what a session holds.
const (
	keyUser  = "user"  // int: id of the user
	keyFlash = "flash" // flash: the message that the next page shows
	keyUndo  = "undo"  // []byte: the deleted filter that can be brought back
	keyFresh = "fresh" // bool: the account was just made
	// A new user has proved to hold an address, and must give the account's name.
	keyPending   = "pending"    // string: the address
	keyPendingAt = "pending-at" // int64: when, in Unix seconds
)

// A flash is a message that the next page shows above its content, once.
type flash struct {
	Text, Tone string
	Undo       string // path to post to; "" when there is nothing to undo
}

// newSessions makes the session manager. The store keeps only the digest of the cookie's token. It does not call
// scs.New, which starts a goroutine for a store in memory that cannot be waited for.
func (s *site) newSessions() *scs.SessionManager {
	gob.Register(flash{}) // the type of a session value; registering it again is harmless
	return &scs.SessionManager{
		Store: s.Sessions, Codec: scs.GobCodec{},
		Lifetime: lifetime,
		Cookie: scs.SessionCookie{
			Name: "notifyd", Path: s.path("/"), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure, Persist: true,
		},
		ErrorFunc: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the visitor has left
			}
			s.Log.Error("session failed", slog.Any("err", err))
			req := &request{site: s, w: w, r: r}
			req.errorPage(http.StatusInternalServerError,
				"Something went wrong on our side. It was written to the log; trying again later may help.")
		},
	}
}

// flash leaves a message that the next page shows once.
func (req *request) flash(tone, text string) { req.flashUndo(tone, text, "") }

// flashUndo is flash with a button that posts to undo.
func (req *request) flashUndo(tone, text, undo string) {
	req.sessions.Put(req.r.Context(), keyFlash, flash{Text: text, Tone: tone, Undo: undo})
}
