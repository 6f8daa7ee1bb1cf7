// Package all lists the drivers of every kind of source that the directory can be read from.
package all

import (
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/debian"
	"github.com/notifyd/notifyd/directory/httpjson"
	"github.com/notifyd/notifyd/directory/ldap"
	"github.com/notifyd/notifyd/directory/obs"
)

// Drivers are those that a configuration may name, sorted by name. The file of the directory (directory.file) is none
// of them: every node reads its own.
func Drivers() []directory.Driver {
	return []directory.Driver{
		debian.Driver(),
		httpjson.Driver(),
		ldap.Driver(),
		obs.Driver(),
	}
}
