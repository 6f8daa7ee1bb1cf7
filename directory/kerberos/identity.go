package kerberos

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/notifyd/notifyd/internal/watch"
)

// An identity is who logs in: what keytab and krb5.conf say at the moment.
type identity struct {
	name, realm string
	keys        *keytab.Keytab
	conf        *config.Config
}

// strong are the encryptions that are asked for, the preferred first, as MIT's library has them.
var strong = []int32{etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA1_96,
	etypeID.AES256_CTS_HMAC_SHA384_192, etypeID.AES128_CTS_HMAC_SHA256_128}

// read reads the files. It wants a key of the principal, of an encryption that is good enough.
func (c *Client) read() (*identity, error) {
	conf, err := readConfig(c.Config)
	if err != nil {
		return nil, err
	}
	id := &identity{conf: conf, keys: keytab.New()}
	id.name, id.realm = c.Principal, conf.LibDefaults.DefaultRealm
	if at := strings.LastIndexByte(c.Principal, '@'); at >= 0 {
		id.name, id.realm = c.Principal[:at], c.Principal[at+1:]
	}
	if id.name == "" || id.realm == "" {
		return nil, fmt.Errorf("principal: %q has no realm, and %s no default_realm; NAME@REALM was expected", c.Principal,
			c.Config)
	}
	text, err := watch.ReadFile(c.Keytab, maxFile)
	if err != nil {
		return nil, fmt.Errorf("keytab: %w", err)
	}
	if err := id.keys.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("keytab: %s is no keytab", c.Keytab)
	}
	offered := strong
	if conf.LibDefaults.AllowWeakCrypto {
		offered = append(slices.Clone(strong), etypeID.RC4_HMAC)
	}
	conf.LibDefaults.DefaultTGSEnctypeIDs = offered
	conf.LibDefaults.DefaultTktEnctypeIDs = slices.DeleteFunc(slices.Clone(offered), func(kind int32) bool {
		_, _, err := id.key(kind)
		return err != nil
	})
	if len(conf.LibDefaults.DefaultTktEnctypeIDs) == 0 {
		return nil, fmt.Errorf("keytab: %s has no AES key of %s@%s; it has keys of %s", c.Keytab, id.name, id.realm,
			id.others())
	}
	id.keepNewest()
	return id, nil
}

// keepNewest leaves of each encryption only the newest key: KDCs do not say by which they answer, and gokrb5 then
// takes any of those that were written in the same second.
func (id *identity) keepNewest() {
	numbers := map[int32]int{}
	for _, e := range id.keys.Entries {
		if _, number, err := id.key(e.Key.KeyType); err == nil {
			numbers[e.Key.KeyType] = number
		}
	}
	kept := id.keys.Entries[:0]
	for _, e := range id.keys.Entries {
		if number, ours := numbers[e.Key.KeyType]; ours && id.owns(e.Principal.Realm, e.Principal.Components) &&
			int(e.KVNO) == number {
			kept = append(kept, e)
		}
	}
	id.keys.Entries = kept
}

func (id *identity) owns(realm string, components []string) bool {
	return realm == id.realm && strings.Join(components, "/") == id.name
}

func (id *identity) principal() types.PrincipalName {
	return types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, id.name)
}

// key returns the newest key of an encryption, and its number.
func (id *identity) key(kind int32) (key types.EncryptionKey, number int, err error) {
	err = errors.New("there is none")
	for _, e := range id.keys.Entries {
		newer := err != nil || int(e.KVNO) > number
		if newer && e.Key.KeyType == kind && id.owns(e.Principal.Realm, e.Principal.Components) {
			key, number, err = e.Key, int(e.KVNO), nil
		}
	}
	return key, number, err
}

// others names some of those whose keys the keytab has.
func (id *identity) others() string {
	var names []string
	for _, e := range id.keys.Entries {
		names = append(names, strings.Join(e.Principal.Components, "/")+"@"+e.Principal.Realm)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return "nobody"
	}
	return fmt.Sprintf("%.200s", strings.Join(names[:min(len(names), 5)], ", "))
}
