package prefs

import (
	"context"
	"crypto/subtle"
	"errors"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// These are the bounds on a code. A code of 50 bits cannot be guessed in this number of attempts.
const (
	codeLife     = time.Hour
	codeAttempts = 5
)

// These limits bound how many codes are sent, so that nobody can flood an address with them.
var (
	codesPerUser    = limit{count: 10, window: time.Hour}
	codesPerAddress = limit{count: 5, window: 24 * time.Hour} // all users together
)

// NewCode makes a new code that confirms a destination, like "3K9FA-QX7TB", in place of the one before. The caller
// sends it to the address. The error is ErrTooOften when the user or the address got too many codes recently.
func (s *Destinations) NewCode(ctx context.Context, userID, destinationID uint) (string, error) {
	code, err := s.code()
	if err != nil {
		return "", err
	}
	err = s.write(ctx, "make code", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		var to destinationRow
		if err := tx.Where("id = ? AND user_id = ?", destinationID, userID).Take(&to).Error; err != nil {
			return err
		}
		if err := s.allow(tx, codesPerUser, "user", strconv.FormatUint(uint64(userID), 10)); err != nil {
			return err
		}
		if err := s.allow(tx, codesPerAddress, to.Backend, to.Address); err != nil {
			return err
		}
		expires := s.micro() + codeLife.Microseconds()
		row := confirmationRow{DestinationID: to.ID, CodeHash: digest(code), ExpiresAt: expires}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		return s.note(tx, userID, accounts.DestinationCode, object("destination", to.ID), nil,
			accounts.Fields{"destination": to.place()})
	})
	if err != nil {
		return "", err
	}
	return code, nil
}

// Confirm confirms a destination of the user with the code that was sent to it. The code works for this user only: a
// stranger cannot make somebody else confirm an address by sending them a code. The error is ErrCode when the code is
// wrong, and ErrClaimed when another user has confirmed the address.
func (s *Destinations) Confirm(ctx context.Context, userID, destinationID uint, code string) error {
	fits := false
	err := s.change(ctx, "confirm destination", func(tx *gorm.DB) error {
		var to destinationRow
		if err := tx.Where("id = ? AND user_id = ?", destinationID, userID).Take(&to).Error; err != nil {
			return err
		}
		var err error
		if fits, err = s.tryCode(tx, destinationID, code); err != nil || !fits {
			return err
		}
		err = s.destinationChange(tx, accounts.Unsaid, to.ID, accounts.DestinationConfirm, func(destinationRow) error {
			set := map[string]any{"confirmed": true, "disabled": ""}
			err := tx.Model(&destinationRow{}).Where("id = ?", to.ID).Updates(set).Error
			if errors.Is(err, gorm.ErrDuplicatedKey) {
				return ErrClaimed
			}
			return err
		})
		if err != nil {
			return err
		}
		if err := s.touchUser(tx, userID); err != nil {
			return err
		}
		return s.tell(tx, userID, ofDestinations)
	})
	if err == nil && !fits {
		return ErrCode // after the commit, which counts the attempt
	}
	return err
}

// tryCode counts an attempt, and deletes the code when it is right. It counts first, so that simultaneous requests
// get no more attempts.
func (s *Destinations) tryCode(tx *gorm.DB, destinationID uint, code string) (bool, error) {
	counted := tx.Exec("UPDATE confirmations SET attempts = attempts + 1 "+
		"WHERE destination_id = ? AND attempts < ? AND expires_at > ?",
		destinationID, codeAttempts, s.micro())
	if counted.Error != nil || counted.RowsAffected == 0 {
		return false, counted.Error
	}
	var row confirmationRow
	if err := tx.Where("destination_id = ?", destinationID).Take(&row).Error; err != nil {
		return false, err
	}
	if subtle.ConstantTimeCompare([]byte(row.CodeHash), []byte(digest(normalCode(code)))) != 1 {
		return false, nil
	}
	return true, tx.Where("destination_id = ?", destinationID).Delete(&confirmationRow{}).Error
}

// letters are those of Crockford's base 32 (https://www.crockford.com/base32.html): no two look alike.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// code returns ten random letters, 50 bits, with a hyphen in the middle.
func (s *Destinations) code() (string, error) {
	raw, err := s.bytes(10)
	if err != nil {
		return "", err
	}
	for i := range raw {
		raw[i] = letters[raw[i]%32]
	}
	return string(raw[:5]) + "-" + string(raw[5:]), nil
}

// normalCode reverses the changes that people make to a code when they type it.
func normalCode(typed string) string {
	if len(typed) > 100 {
		return ""
	}
	typed = strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "", " ", "").Replace(strings.ToUpper(typed))
	if len(typed) != 10 {
		return ""
	}
	return typed[:5] + "-" + typed[5:]
}
