package accounts

import (
	"net/netip"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// placeLife is how long a place is remembered after the last sign-in from there.
const placeLife = 400 * 24 * time.Hour

// placeRow is a network and a program with which a person has signed in. It outlives the login, so that the same
// browser at the same desk is not told of each time. Only a digest is kept: it need only be recognised.
type placeRow struct {
	UserID uint   `gorm:"primaryKey;autoIncrement:false"`
	Digest string `gorm:"primaryKey"`
	SeenAt int64  `gorm:"not null;index:idx_places_seen_at"`
}

func (placeRow) TableName() string { return "places" }

// notePlace stores where a login began, and reports whether the person has signed in from there with this program
// before. Somebody's first place is seen: there is nobody who could have been put out by it.
func notePlace(tx *gorm.DB, l loginRow) (seen bool, err error) {
	var before int64
	if err := tx.Model(&placeRow{}).Where("user_id = ?", l.UserID).Count(&before).Error; err != nil {
		return false, err
	}
	row := placeRow{UserID: l.UserID, Digest: loginDigest(wide(l.Network) + "\x00" + AgentWords(l.Agent)),
		SeenAt: l.CreatedAt}
	var known int64
	same := tx.Model(&placeRow{}).Where("user_id = ? AND digest = ?", row.UserID, row.Digest)
	if err := same.Count(&known).Error; err != nil {
		return false, err
	}
	return before == 0 || known > 0, tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
}

// wide returns the network that a place is known by: an IPv4 /24 or an IPv6 /48, in which one person's address changes.
func wide(network string) string {
	addr, err := netip.ParseAddr(network)
	if err != nil {
		p, err := netip.ParsePrefix(network)
		if err != nil {
			return network
		}
		addr = p.Addr()
	}
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return network
	}
	return p.String()
}

func prunePlaces(tx *gorm.DB, now time.Time) error {
	return tx.Where("seen_at <= ?", now.Add(-placeLife).UnixMicro()).Delete(&placeRow{}).Error
}
