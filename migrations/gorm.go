package migrations

import (
	"database/sql"
	"errors"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	lite "modernc.org/sqlite"
)

// gormConfig switches off the default logger, which prints parameters (addresses), and the implicit transaction around
// single statements, which halves the rate. With TranslateError the violation of a unique key is gorm.ErrDuplicatedKey,
// and of a foreign key gorm.ErrForeignKeyViolated, in both dialects. On PostgreSQL the transaction in which one happens
// can only be rolled back.
func gormConfig() *gorm.Config {
	return &gorm.Config{Logger: logger.Discard, SkipDefaultTransaction: true, TranslateError: true}
}

// sqliteDialect is gorm's dialect of SQLite. It also translates the errors of the pure-Go driver, which gorm does not
// recognise.
type sqliteDialect struct{ *sqlite.Dialector }

func newSQLiteDialect(pool *sql.DB) gorm.Dialector {
	return sqliteDialect{&sqlite.Dialector{DriverName: "sqlite", Conn: pool}}
}

// These are the extended result codes (SQLite, "Result and Error Codes").
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
