package accounts

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// The bounds on what a provider says of somebody.
const (
	maxSubject = 255 // bytes (OpenID Connect Core 1.0, section 2)
	maxGroups  = 2000
	maxGroup   = 256 // bytes
)

// ErrBound is the error for an identity that leads to another account.
var ErrBound = errors.New("this identity leads to another account")

// An Identity is who a provider says somebody is. Issuer and Subject together are one person (OpenID Connect Core 1.0,
// section 5.7); nobody is ever found by the rest.
type Identity struct {
	Way             string // what the configuration calls the provider
	Title           string // what people call it; with it begin the reasons by which it disables
	Issuer, Subject string
	Name            string // the account on the bus; "" where the provider does not say it
	Mail            string // in the form of the backend below; "" where it says none that it has verified
	MailBackend     string
	Groups          []string
	GroupsKnown     bool   // false: the last known groups stay
	Disabled        string // why the provider lets them in no more; "" where it does not say so
}

// Check refuses what is no identity, and bounds the groups.
func (i *Identity) Check() error {
	for _, part := range []string{i.Issuer, i.Subject} {
		if part == "" || len(part) > maxSubject || part != text.Storable(part) || strings.ContainsRune(part, 0) {
			return errors.New("an identity has an issuer and a subject of at most 255 bytes")
		}
	}
	i.Groups = slices.DeleteFunc(slices.Clone(i.Groups), func(g string) bool {
		return g == "" || len(g) > maxGroup || g != text.Storable(g)
	})
	slices.Sort(i.Groups)
	i.Groups = slices.Compact(i.Groups)
	i.Groups = i.Groups[:min(len(i.Groups), maxGroups)]
	i.Name = strings.TrimSpace(i.Name)
	return nil
}

// A Known identity is one that leads to an account.
type Known struct {
	ID              uint
	User            uint
	Issuer, Subject string
	Name            string // as the provider said it last
	Groups          []string
	GroupsUnknown   bool // the provider did not say them when it was used last: Groups are older, and give no role
	Made, Used      time.Time
}

// FindIdentity returns the identity with that issuer and subject; false where there is none.
func FindIdentity(tx *gorm.DB, issuer, subject string) (Known, bool, error) {
	var rows []identityRow
	err := clean(tx).Where("issuer = ? AND subject = ?", issuer, subject).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return Known{}, false, err
	}
	return rows[0].known(), true, nil
}

// IdentitiesOf returns the identities of an account, in the order in which they came.
func IdentitiesOf(tx *gorm.DB, user uint) ([]Known, error) {
	var rows []identityRow
	if err := clean(tx).Where("user_id = ?", user).Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	all := make([]Known, len(rows))
	for i, r := range rows {
		all[i] = r.known()
	}
	return all, nil
}

// AddIdentity binds an identity to an account.
func AddIdentity(tx *gorm.DB, now int64, user uint, i Identity) (Known, error) {
	groups, err := json.Marshal(orEmpty(i.Groups))
	if err != nil {
		return Known{}, err
	}
	row := identityRow{UserID: user, Issuer: i.Issuer, Subject: i.Subject, Name: text.CutBytes(i.Name, MaxName),
		Groups: string(groups), GroupsUnknown: !i.GroupsKnown, CreatedAt: now, UsedAt: now}
	err = clean(tx).Create(&row).Error
	return row.known(), err
}

// UseIdentity notes what the provider says now of a known identity.
func UseIdentity(tx *gorm.DB, now int64, id uint, i Identity) error {
	set := map[string]any{"used_at": now, "name": text.CutBytes(i.Name, MaxName), "groups_unknown": !i.GroupsKnown}
	if i.GroupsKnown {
		groups, err := json.Marshal(orEmpty(i.Groups))
		if err != nil {
			return err
		}
		set["groups"] = string(groups)
	}
	return clean(tx).Model(&identityRow{}).Where("id = ?", id).Updates(set).Error
}

// MoveIdentity gives an identity another issuer and subject, when a community changes its provider. What the person has
// held stays theirs.
func MoveIdentity(tx *gorm.DB, id uint, from, to Identity) error {
	err := clean(tx).Model(&identityRow{}).Where("id = ?", id).
		Updates(map[string]any{"issuer": to.Issuer, "subject": to.Subject}).Error
	if err != nil {
		return err
	}
	return MoveHolder(tx, HolderOfIdentity(from.Issuer, from.Subject), HolderOfIdentity(to.Issuer, to.Subject))
}

// MoveHolder makes the names that were held by one holder those of another.
func MoveHolder(tx *gorm.DB, from, to string) error {
	return clean(tx).Model(&nameRow{}).Where("holder = ?", from).Update("holder", to).Error
}

// clean returns a handle for another statement of the transaction.
func clean(tx *gorm.DB) *gorm.DB { return tx.Session(&gorm.Session{NewDB: true}) }

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (r identityRow) known() Known {
	k := Known{ID: r.ID, User: r.UserID, Issuer: r.Issuer, Subject: r.Subject, Name: r.Name,
		GroupsUnknown: r.GroupsUnknown,
		Made:          time.UnixMicro(r.CreatedAt).UTC(), Used: time.UnixMicro(r.UsedAt).UTC()}
	if err := json.Unmarshal([]byte(r.Groups), &k.Groups); err != nil {
		k.Groups = nil // not of ours: no group is better than a wrong one
	}
	return k
}
