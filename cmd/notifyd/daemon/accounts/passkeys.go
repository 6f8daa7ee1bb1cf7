package accounts

import "github.com/notifyd/notifyd/prefs/passkeys"

// Party is the site as passkeys know it; nil where there can be none, with the reason in words for people.
func (s Settings) Party(baseURL string) (party *passkeys.Party, why string) {
	if !s.Passkeys {
		return nil, "this site has switched them off"
	}
	party, err := passkeys.NewParty(baseURL)
	if err != nil {
		return nil, err.Error()
	}
	return party, ""
}
