package accounts

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

type undoLinkRow struct {
	TokenHash string `gorm:"primaryKey"`
	UndoID    uint   `gorm:"not null;index:idx_undo_links_undo_id"`
	Strong    bool   `gorm:"not null"`
}

func (undoLinkRow) TableName() string { return "undo_links" }
