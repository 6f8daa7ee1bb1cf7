package revisions

// Models returns a value of each gorm model, for the test that models and schema agree.
func Models() []any { return []any{&row{}} }

// A row is a revision of a filter. Times are Unix microseconds.
type row struct {
	ID       int64  `gorm:"primaryKey"`
	FilterID uint64 `gorm:"not null;index:idx_filter_revisions_filter,priority:1"` // 0: not known any more
	UserID   uint64 `gorm:"not null;index:idx_filter_revisions_user"`
	Name     string `gorm:"not null"`
	Rules    string `gorm:"not null"` // as filters has them; "" where only the sentence is known
	Sentence string `gorm:"not null"` // "": to be made of the rules
	MadeAt   int64  `gorm:"not null"`
	EndedAt  int64  `gorm:"not null;index:idx_filter_revisions_filter,priority:2"` // 0: it is how the filter is now
}

// TableName is for gorm.
func (row) TableName() string { return "filter_revisions" }
