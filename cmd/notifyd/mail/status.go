package mail

import (
	"context"
	"errors"
	"net/http"

	"github.com/notifyd/notifyd/bus/client"
)

// A Status is an exit status that mail systems understand (sysexits.h).
type Status int

// The statuses. Of TempFail an MTA keeps the mail and tries again; it sends the mail back for all others but OK.
const (
	OK       Status = 0
	Usage    Status = 64 // the command line is wrong
	DataErr  Status = 65 // the daemon takes no such message
	NoInput  Status = 66 // there is no such archive
	NoUser   Status = 67 // there is no such address
	TempFail Status = 75 // the daemon cannot be reached, or takes nothing now
	NoPerm   Status = 77 // the daemon does not take the token, or not this topic from it
	Config   Status = 78 // a setting or a mapping is wrong
)

// statusOf gives the status of an error of a Poster.
func statusOf(ctx context.Context, err error) Status {
	var refused *client.Refusal
	switch {
	case ctx.Err() != nil || !errors.As(err, &refused):
		return TempFail // nobody has answered
	case refused.Temporary():
		return TempFail
	}
	switch refused.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return NoPerm
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return DataErr
	}
	return Config // the URL is of something else
}
