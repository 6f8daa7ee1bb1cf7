package accounts

import (
	"errors"

	"github.com/notifyd/notifyd/web/signin"
)

// waysIn are the settings of the ways in beside the mailed link.
func (s Settings) waysIn() signin.Settings { return signin.Settings{OIDC: s.OIDC, Header: s.Header} }

// CheckListen returns why nobody could come in with these settings of the pages, or why the header of a proxy cannot be
// believed.
func (s Settings) CheckListen(listen string, proxies []string) error {
	if listen == "" {
		return nil
	}
	if !s.Mail && !s.HasWaysIn() {
		return errors.New("mail: false, and neither oidc nor trusted_header: nobody could sign in to the pages; expected a " +
			"way in, or web.listen: \"\"")
	}
	return s.Header.CheckListen(listen, proxies)
}

// HasWaysIn reports whether there are ways in beside the mailed link.
func (s Settings) HasWaysIn() bool { return len(s.OIDC) > 0 || s.Header.User != "" }

// WaysIn opens the ways in beside the mailed link; nil where none is configured.
func (s Settings) WaysIn(o signin.Options) (*signin.Ways, error) {
	if !s.HasWaysIn() {
		return nil, nil
	}
	o.Settings = s.waysIn()
	return signin.New(o)
}
