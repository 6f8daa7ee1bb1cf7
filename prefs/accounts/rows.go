package accounts

// Models returns a value of each gorm model, for the test that models and schema agree.
func Models() []any {
	return []any{
		&identityRow{}, &loginRow{}, &nameRow{}, &auditRow{}, &attemptRow{}, &usedRow{},
		&placeRow{}, &undoRow{},
		&mailedRow{}, &mailedSecretRow{}, &sentCodeRow{},
		&invitationRow{},
	}
}

// These are the rows. Times are Unix microseconds. The tables are in migrations/*/00018_accounts.sql.

type identityRow struct {
	ID        uint   `gorm:"primaryKey"`
	UserID    uint   `gorm:"not null;index:idx_identities_user_id"`
	Issuer    string `gorm:"not null;uniqueIndex:idx_identities_subject,priority:1"`
	Subject   string `gorm:"not null;uniqueIndex:idx_identities_subject,priority:2"`
	Name      string `gorm:"not null"`
	Groups    string `gorm:"not null"` // a list in JSON
	CreatedAt int64  `gorm:"not null;autoCreateTime:false"`
	UsedAt    int64  `gorm:"not null"`

	GroupsUnknown bool `gorm:"not null;default:false"` // when it was used last: Groups is older
}

func (identityRow) TableName() string { return "identities" }

type loginRow struct {
	ID            uint   `gorm:"primaryKey"`
	UserID        uint   `gorm:"not null;index:idx_logins_user_id"`
	KeyHash       string `gorm:"not null;uniqueIndex:idx_logins_key_hash"`
	Way           string `gorm:"not null"`
	IdentityID    uint   `gorm:"not null;index:idx_logins_identity_id"`    // 0: none
	DestinationID uint   `gorm:"not null;index:idx_logins_destination_id"` // 0: none
	SID           string `gorm:"column:sid;not null"`
	Network       string `gorm:"not null"`
	Agent         string `gorm:"not null"`
	CreatedAt     int64  `gorm:"not null;autoCreateTime:false"`
	UsedAt        int64  `gorm:"not null"`
	FreshAt       int64  `gorm:"not null"`
	ExpiresAt     int64  `gorm:"not null;index:idx_logins_expires_at"`
}

func (loginRow) TableName() string { return "logins" }

type nameRow struct {
	Name     string `gorm:"primaryKey"`
	Skeleton string `gorm:"not null;index:idx_names_skeleton"`
	UserID   uint   `gorm:"not null;index:idx_names_user_id"` // 0: the account is gone
	Holder   string `gorm:"not null"`
	Since    int64  `gorm:"not null"`
	Until    int64  `gorm:"not null"` // 0: it is held

	Proof string `gorm:"not null;default:''"` // the strongest by which it was held
}

func (nameRow) TableName() string { return "names" }

type undoRow struct {
	ID        uint   `gorm:"primaryKey"`
	UserID    uint   `gorm:"not null;index:idx_undos_user_id"`
	Kind      string `gorm:"not null"`
	Data      string `gorm:"not null"`
	CreatedAt int64  `gorm:"not null;autoCreateTime:false"`
	ExpiresAt int64  `gorm:"not null;index:idx_undos_expires_at"`
	UndoneAt  int64  `gorm:"not null"`
}

func (undoRow) TableName() string { return "undos" }
