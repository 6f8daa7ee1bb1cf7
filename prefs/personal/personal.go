// Package personal writes everything that is stored about a person into one archive (GDPR, articles 15 and 20): a file
// of JSON for each table, and the filters as YAML, which can be imported again.
//
// The tables are a list (tables.go), and each table of the database is on it or on the list of those that are about
// nobody, with the reason; a test walks the schema. A row is written with all its columns but secrets, so a new column
// needs no change here.
//
// Rows are read a page at a time, and written before the next page is read. So memory is bounded by a page, and no
// snapshot of the database is held while somebody downloads slowly. What changes meanwhile may be in it or not.
package personal

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// An Exporter makes archives.
type Exporter struct {
	Reader   *gorm.DB
	Prefs    *prefs.Store
	Backends []backends.Info
	Now      func() time.Time
	Facts    func(prefs.User) map[string]any // what is known of a person and not stored, such as the role; may be nil
}

// Facts are what is known of a person and not stored: what @me stands for, and what the person may do.
func Facts(u prefs.User, claimed bool, role string) map[string]any {
	return map[string]any{"me": u.Me(claimed), "name_is": u.Proof.Words(), "role": role}
}

// Name returns the name of the archive of a person's data.
func Name(u prefs.User, now time.Time) string {
	return fmt.Sprintf("notifyd-account-%d-%s.zip", u.ID, now.UTC().Format(time.DateOnly))
}

// Write writes the archive of a person, a ZIP file, while it is made. Nothing is written where there is no such person:
// then the error is prefs.ErrNotFound.
func (x *Exporter) Write(ctx context.Context, w io.Writer, userID uint) error {
	user, err := x.Prefs.Accounts.User(ctx, userID)
	if err != nil {
		return err
	}
	own, err := x.Prefs.Destinations.List(ctx, userID)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(w)
	if err := x.write(ctx, archive, user, own); err != nil {
		return fmt.Errorf("export account %d: %w", userID, err)
	}
	return archive.Close()
}

func (x *Exporter) write(ctx context.Context, archive *zip.Writer, user prefs.User, own []prefs.Destination) error {
	if err := x.file(archive, "README.txt", []byte(readme)); err != nil {
		return err
	}
	if err := x.about(archive, user); err != nil {
		return err
	}
	filters, err := x.filters(ctx, user, own)
	if err != nil {
		return err
	}
	if err := x.file(archive, "filters.yaml", filters); err != nil {
		return err
	}
	for _, t := range append(Tables(), x.kept()...) {
		out, err := x.create(archive, t.Name+".json")
		if err != nil {
			return err
		}
		if err := x.table(ctx, out, t, of(user, own, t.Backend)); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

// about writes what is known and not stored.
func (x *Exporter) about(archive *zip.Writer, user prefs.User) error {
	facts := map[string]any{}
	if x.Facts != nil {
		facts = x.Facts(user)
	}
	facts["exported_at"], facts["account"] = x.Now().UTC().Format(time.RFC3339), user.ID
	text, err := json.MarshalIndent(facts, "", "  ")
	if err != nil {
		return err
	}
	return x.file(archive, "about.json", append(text, '\n'))
}

// of gives the values that the conditions of tables name. Of addresses only those that are confirmed are the person's.
func of(user prefs.User, own []prefs.Destination, backend string) map[string]any {
	keys, addresses := []string{}, []string{}
	for _, d := range own {
		keys = append(keys, prefs.Key(d.ID))
		if !d.Confirmed {
			continue
		}
		keys = append(keys, outbox.Account+d.Backend+":"+d.Address)
		if backend == "" || backend == d.Backend {
			addresses = append(addresses, d.Address)
		}
	}
	return map[string]any{"user": user.ID, "keys": keys, "addresses": addresses}
}

// kept are the tables of backends.
func (x *Exporter) kept() (list []Table) {
	for _, info := range x.Backends {
		for _, name := range info.Keeps {
			list = append(list, Table{Name: name, Of: "address IN @addresses", Key: "address", Backend: info.Name})
		}
	}
	return list
}

func (x *Exporter) create(archive *zip.Writer, name string) (io.Writer, error) {
	return archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: x.Now().UTC()})
}

func (x *Exporter) file(archive *zip.Writer, name string, content []byte) error {
	out, err := x.create(archive, name)
	if err != nil {
		return err
	}
	_, err = out.Write(content)
	return err
}
