package migrations

import (
	"database/sql"
	"errors"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	lite "modernc.org/sqlite"
)

// gormConfig switches off what costs or leaks: the default logger prints parameters (addresses), and the implicit
// transaction round single statements halves the rate. With TranslateError a breach of a unique key is
// gorm.ErrDuplicatedKey, and of a foreign key gorm.ErrForeignKeyViolated, on either dialect. On PostgreSQL the
// transaction that met one can only be rolled back.
func gormConfig() *gorm.Config {
	return &gorm.Config{Logger: logger.Discard, SkipDefaultTransaction: true, TranslateError: true}
}

// sqliteDialect is gorm's own with the errors of the pure-Go driver, which gorm's translation does not know.
type sqliteDialect struct{ *sqlite.Dialector }

func newSQLiteDialect(pool *sql.DB) gorm.Dialector {
	return sqliteDialect{&sqlite.Dialector{DriverName: "sqlite", Conn: pool}}
}

// The extended result codes (SQLite, "Result and Error Codes").
const (
	constraintForeignKey = 787
	constraintPrimaryKey = 1555
	constraintUnique     = 2067
)

// Translate implements gorm.ErrorTranslator.
func (sqliteDialect) Translate(err error) error {
	var e *lite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case constraintUnique, constraintPrimaryKey:
		return gorm.ErrDuplicatedKey
	case constraintForeignKey:
		return gorm.ErrForeignKeyViolated
	}
	return err
}
