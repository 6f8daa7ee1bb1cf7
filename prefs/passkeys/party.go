package passkeys

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Life is how long a ceremony may take.
const Life = 5 * time.Minute

// A Party is this site as passkeys know it: the relying party. A passkey is bound to the host of the site.
type Party struct{ made *webauthn.WebAuthn }

// NewParty makes the Party of a site. The error says why browsers show no passkeys there, in words for people.
func NewParty(baseURL string) (*Party, error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Host == "" {
		return nil, errors.New("the address of these pages is not set")
	}
	host := base.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return nil, errors.New("these pages have a number and no name as their address, and browsers take passkeys only " +
			"of a name")
	}
	if base.Scheme != "https" && host != "localhost" && !strings.HasSuffix(host, ".localhost") {
		return nil, errors.New("these pages are not served over https, and browsers take passkeys only there")
	}
	made, err := webauthn.New(&webauthn.Config{RPID: host, RPDisplayName: "notifyd on " + host,
		RPOrigins:             []string{base.Scheme + "://" + base.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred},
	})
	if err != nil {
		return nil, fmt.Errorf("this host can have no passkeys: %w", err)
	}
	return &Party{made}, nil
}

// A Ceremony is what the server keeps of one, with the visitor's session. Nothing of it is secret from the visitor.
type Ceremony struct {
	User    uint
	Adds    bool   // a passkey is to be added, and not shown
	Name    string // of the passkey that is to be added
	Began   time.Time
	Options json.RawMessage // what the browser gets
	Data    webauthn.SessionData
}

// AskAdd begins to add a passkey of that name. account is what the device calls the account.
func (p *Party) AskAdd(user uint, account, name string, have []Passkey, now time.Time) (Ceremony, error) {
	who := owner{user, account, have}
	var known []protocol.CredentialDescriptor
	for _, one := range have {
		known = append(known, one.credential.Descriptor())
	}
	options, data, err := p.made.BeginRegistration(who, webauthn.WithExclusions(known))
	if err != nil {
		return Ceremony{}, fmt.Errorf("ask for a new passkey: %w", err)
	}
	return ceremony(Ceremony{User: user, Adds: true, Name: CleanName(name), Began: now, Data: *data}, options.Response)
}

// AskUse begins to have one of the passkeys shown. The error is ErrNone where there are none.
func (p *Party) AskUse(user uint, have []Passkey, now time.Time) (Ceremony, error) {
	if len(have) == 0 {
		return Ceremony{}, ErrNone
	}
	options, data, err := p.made.BeginLogin(owner{user, "", have})
	if err != nil {
		return Ceremony{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return ceremony(Ceremony{User: user, Began: now, Data: *data}, options.Response)
}

func ceremony(c Ceremony, options any) (Ceremony, error) {
	raw, err := json.Marshal(options)
	c.Options = raw
	return c, err
}

// open reports whether an answer to the ceremony may come from that user now.
func (c Ceremony) open(user uint, now time.Time, adds bool) bool {
	return c.User == user && user != 0 && c.Adds == adds && !now.Before(c.Began) && now.Sub(c.Began) < Life
}

// added checks the answer of a browser that has made a passkey.
func (p *Party) added(user uint, now time.Time, c Ceremony, response []byte) (webauthn.Credential, error) {
	if !c.open(user, now, true) {
		return webauthn.Credential{}, ErrWrong
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return webauthn.Credential{}, wrong(err)
	}
	made, err := p.made.CreateCredential(owner{user: user}, c.Data, parsed)
	if err != nil {
		return webauthn.Credential{}, wrong(err)
	}
	made.Attestation = webauthn.CredentialAttestation{} // none is asked for
	return *made, nil
}

// used checks the answer of a browser that has shown a passkey, and returns it with its new counter.
func (p *Party) used(user uint, now time.Time, c Ceremony, have []Passkey,
	response []byte) (webauthn.Credential, error) {
	if !c.open(user, now, false) {
		return webauthn.Credential{}, ErrWrong
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return webauthn.Credential{}, wrong(err)
	}
	used, err := p.made.ValidateLogin(owner{user: user, have: have}, c.Data, parsed)
	if err != nil {
		return webauthn.Credential{}, wrong(err)
	}
	return *used, nil
}

// wrong is ErrWrong with what the library says, for the log.
func wrong(err error) error {
	detail := err.Error()
	var p *protocol.Error
	if errors.As(err, &p) && p.DevInfo != "" {
		detail += " (" + p.DevInfo + ")"
	}
	return fmt.Errorf("%w: %s", ErrWrong, detail)
}

// An owner is a user as the library asks for one.
type owner struct {
	user    uint
	account string
	have    []Passkey
}

// WebAuthnID is what devices know the account by: its number, which says nothing of the person.
func (o owner) WebAuthnID() []byte {
	return []byte("notifyd-" + strconv.FormatUint(uint64(o.user), 10))
}

// WebAuthnName is what devices show.
func (o owner) WebAuthnName() string { return o.account }

// WebAuthnDisplayName is what devices show.
func (o owner) WebAuthnDisplayName() string { return o.account }

// WebAuthnCredentials are the passkeys.
func (o owner) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(o.have))
	for i, one := range o.have {
		all[i] = one.credential
	}
	return all
}
