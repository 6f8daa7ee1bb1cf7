package accounts

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Invitations keeps the addresses and names that may make an account, until they do or the invitation expires.
type Invitations struct {
	writer, reader *gorm.DB
	now            func() time.Time
}

// An Invitation lets one person make an account: whoever reads mail of the address, or has the proved name; one
// with @ is an address.
type Invitation struct {
	Subject string // the address or the name, folded
	By      string // who invited
	Made    time.Time
	Expires time.Time
}

type invitationRow struct {
	Subject   string `gorm:"primaryKey"`
	InvitedBy string `gorm:"not null"`
	CreatedAt int64  `gorm:"not null;autoCreateTime:false"`
	ExpiresAt int64  `gorm:"not null;index:idx_invitations_expires_at"`
}

func (invitationRow) TableName() string { return "invitations" }

// NewInvitations makes an Invitations.
func NewInvitations(writer, reader *gorm.DB, now func() time.Time) *Invitations {
	return &Invitations{writer, reader, now}
}

// Invite lets an address or a name make an account within life. Inviting again begins anew.
func (s *Invitations) Invite(ctx context.Context, subject string, life time.Duration) (Invitation, error) {
	subject = foldSubject(subject)
	if _, err := Clean(subject); err != nil {
		return Invitation{}, err
	}
	by := ActorOf(ctx)
	row := invitationRow{Subject: subject, InvitedBy: by.Name, CreatedAt: s.now().UnixMicro(),
		ExpiresAt: s.now().Add(life).UnixMicro()}
	err := s.writer.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	if err != nil {
		return Invitation{}, fmt.Errorf("invite: %w", err)
	}
	return row.invitation(), nil
}

// List returns the invitations that can be taken up, the one that expires first first.
func (s *Invitations) List(ctx context.Context) ([]Invitation, error) {
	var rows []invitationRow
	err := s.reader.WithContext(ctx).Where("expires_at > ?", s.now().UnixMicro()).Order("expires_at, subject").
		Limit(10_000).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read invitations: %w", err)
	}
	all := make([]Invitation, len(rows))
	for i, r := range rows {
		all[i] = r.invitation()
	}
	return all, nil
}

// Withdraw takes an invitation back. It reports whether there was one.
func (s *Invitations) Withdraw(ctx context.Context, subject string) (bool, error) {
	done := s.writer.WithContext(ctx).Where("subject = ?", foldSubject(subject)).Delete(&invitationRow{})
	if done.Error != nil {
		return false, fmt.Errorf("withdraw invitation: %w", done.Error)
	}
	return done.RowsAffected > 0, nil
}

// Prune deletes what has expired.
func (s *Invitations) Prune(tx *gorm.DB) error {
	return tx.Where("expires_at <= ?", s.now().UnixMicro()).Delete(&invitationRow{}).Error
}

// AcceptInvitation uses up the invitations of an address or a proved name, in the transaction that makes the account.
// It returns who invited them, and false where nobody did.
func AcceptInvitation(tx *gorm.DB, now int64, address, name string) (by string, invited bool, err error) {
	tx = clean(tx)
	var rows []invitationRow
	if name = Fold(name); strings.Contains(name, "@") {
		name = "" // whoever calls themselves like an address need not read its mail
	}
	own := tx.Where("subject IN ? AND subject <> ''", []string{FoldAddress(address), name})
	if err := own.Find(&rows).Error; err != nil || len(rows) == 0 {
		return "", false, err
	}
	for _, r := range rows {
		if r.ExpiresAt > now {
			by, invited = r.InvitedBy, true
		}
	}
	return by, invited, tx.Where("subject IN ?", subjects(rows)).Delete(&invitationRow{}).Error
}

func subjects(rows []invitationRow) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.Subject
	}
	return all
}

// foldSubject folds an address or a name. Both have one form: small letters.
func foldSubject(subject string) string { return FoldAddress(Fold(subject)) }

func (r invitationRow) invitation() Invitation {
	return Invitation{r.Subject, r.InvitedBy, time.UnixMicro(r.CreatedAt).UTC(), time.UnixMicro(r.ExpiresAt).UTC()}
}
