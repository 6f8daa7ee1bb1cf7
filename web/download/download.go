// Package download gives people everything that is stored about them, as one file.
package download

import (
	"context"
	"io"
	"time"

	"github.com/notifyd/notifyd/prefs/personal"
	"github.com/notifyd/notifyd/web/visit"
)

// Write writes the archive of a person's data: personal.Exporter.Write.
type Write func(ctx context.Context, w io.Writer, userID uint) error

// Pages are the download. It needs a fresh sign-in, and note notes it for the person to see: whoever has the file knows
// all about them.
func Pages(write Write, note func(ctx context.Context, userID uint) error, now func() time.Time) []visit.Page {
	return []visit.Page{{
		Pattern: "GET /settings/everything.zip", For: visit.Members, Fresh: true,
		Serve: func(v *visit.Visit) (*visit.View, error) {
			if err := note(v.Context(), v.User.ID); err != nil {
				return nil, err
			}
			return &visit.View{File: &visit.File{
				Name: personal.Name(v.User, now()), Type: "application/zip",
				Write: func(w io.Writer) error { return write(v.Context(), w, v.User.ID) },
			}}, nil
		},
	}}
}
