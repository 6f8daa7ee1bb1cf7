package accounts

// The rows of what was mailed. Times are Unix microseconds. The tables are in migrations/*/00024_mailed.sql; sent_codes
// is in 00001_prefs.sql.

type mailedRow struct {
	ID            uint   `gorm:"primaryKey"`
	Slot          string `gorm:"not null;uniqueIndex:idx_mailed_slot"`
	Purpose       string `gorm:"not null"`
	UserID        uint   `gorm:"not null;index:idx_mailed_user_id"` // 0: nobody
	DestinationID uint   `gorm:"not null"`                          // 0: none
	Backend       string `gorm:"not null"`
	Address       string `gorm:"not null"`
	About         string `gorm:"not null"`
	Site          string `gorm:"not null"` // the site-wide budget that it was counted in; "": none
	Attempts      int    `gorm:"not null"`
	Mails         int    `gorm:"not null"`
	MailedAt      int64  `gorm:"not null"` // when the last mail was asked for
	EndsAt        int64  `gorm:"not null;index:idx_mailed_ends_at"`
}

func (mailedRow) TableName() string { return "mailed" }

func (r mailedRow) request() MailRequest {
	return MailRequest{ID: r.ID, Purpose: MailPurpose(r.Purpose), User: r.UserID, Destination: r.DestinationID,
		Backend: r.Backend, Address: r.Address, About: r.About}
}

type mailedSecretRow struct {
	Digest    string `gorm:"primaryKey"`
	RequestID uint   `gorm:"not null;index:idx_mailed_secrets_request_id"`
	MadeAt    int64  `gorm:"not null"`
	ExpiresAt int64  `gorm:"not null"`
	Account   string `gorm:"not null;default:''"` // of a network, which had the address when it was sent there
}

func (mailedSecretRow) TableName() string { return "mailed_secrets" }

type sentCodeRow struct {
	ID      uint   `gorm:"primaryKey"`
	Subject string `gorm:"not null;index:idx_sent_codes_subject,priority:1"`
	SentAt  int64  `gorm:"not null;index:idx_sent_codes_subject,priority:2;index:idx_sent_codes_sent_at"`
}

func (sentCodeRow) TableName() string { return "sent_codes" }
