package nodes

// Types with gorm tags are the rows of tables.

type heardRow struct {
	What     string `gorm:"primaryKey"`
	Under    string `gorm:"primaryKey"`
	Name     string `gorm:"primaryKey"`
	Messages int64  `gorm:"not null"`
	HeardAt  int64  `gorm:"not null"`
}

// TableName is for gorm.
func (heardRow) TableName() string { return "heard" }

type factRow struct {
	Node   string `gorm:"primaryKey"`
	Kind   string `gorm:"primaryKey"`
	Name   string `gorm:"primaryKey"`
	Value  string `gorm:"not null"`
	SeenAt int64  `gorm:"not null"`
}

// TableName is for gorm.
func (factRow) TableName() string { return "node_facts" }

// Models gives the gorm models of this room, for the test that compares them with the schema.
func Models() []any { return []any{&heardRow{}, &factRow{}} }

// now is the database's clock in microseconds.
const now = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
