package visit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/notifyd/notifyd/prefs"
)

// json.go is what the pages for programs have in common: doc/api.md.

// A Fault is the answer to a request that cannot be done. Field is the one that is wrong, "" where none is.
type Fault struct {
	Status int    `json:"-"` // 0: 422
	Error  string `json:"error"`
	Field  string `json:"field,omitempty"`
}

// maxBody bounds the body of a request, in bytes.
const maxBody = 16 << 10

var errBody = errors.New("the body is no JSON of this form")

// ReadJSON reads the body of a request. A key that is not known is a mistake.
func (v *Visit) ReadJSON(into any) error {
	d := json.NewDecoder(io.LimitReader(v.Request.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errBody, err)
	}
	return nil
}

// ForPrograms makes a page that answers with what serve returns, as JSON, to whoever is signed in. Of an error of serve
// refuse says what the caller did wrong; nil: nothing.
func ForPrograms(pattern string, serve func(*Visit) (any, error), refuse func(error) *Fault) Page {
	return Page{Pattern: pattern, For: Everybody, Serve: func(v *Visit) (*View, error) {
		if v.User.ID == 0 {
			return &View{Status: http.StatusUnauthorized, JSON: Fault{Error: "sign in on the pages first"}}, nil
		}
		done, err := serve(v)
		if err == nil {
			return &View{JSON: done, Changed: v.Request.Method != http.MethodGet}, nil
		}
		fault := refuse(err)
		switch {
		case fault != nil:
		case errors.Is(err, errBody):
			fault = &Fault{Status: http.StatusBadRequest, Error: err.Error()}
		case errors.Is(err, prefs.ErrNotFound):
			fault = &Fault{Status: http.StatusNotFound, Error: "not found"}
		default:
			return nil, err
		}
		if fault.Status == 0 {
			fault.Status = http.StatusUnprocessableEntity
		}
		return &View{Status: fault.Status, JSON: *fault}, nil
	}}
}
