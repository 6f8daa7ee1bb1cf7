package links

// mute.go makes the links by which a person mutes what a notice is about. They may do less than those that stop
// notices: whoever has one can silence for a year at most, and undo that for an hour.

// These are the kinds of tokens. The first has the destination and the hour it expires; the second the mute, the
// destination and the second it expires. The texts must not change: links that were sent have them.
var (
	muteToken     = purpose{"notifyd mute link\x00", 2}
	undoMuteToken = purpose{"notifyd undo mute\x00", 3}
)

// Mute returns the link to the page on which a person mutes what a notice is about that went to a destination. The
// page takes the id of the notice's message as "message" in the query.
func (s *Signer) Mute(destination uint) string {
	if s == nil || s.base == "" {
		return ""
	}
	return s.base + "/mute/" + s.MuteToken(destination)
}

// MuteToken returns the last part of Mute.
func (s *Signer) MuteToken(destination uint) string {
	return s.seal(muteToken, uint64(destination), s.hour(Life))
}

// VerifyMute returns the destination of a token of Mute, or ErrToken.
func (s *Signer) VerifyMute(token string) (destination uint, err error) {
	fields, err := s.open(muteToken, token)
	if err != nil || s.hour(0) >= fields[1] {
		return 0, ErrToken
	}
	return uint(fields[0]), nil
}

// UndoMute returns the token that undoes a mute which a link has made, for UndoLife.
func (s *Signer) UndoMute(mute, destination uint) string {
	return s.seal(undoMuteToken, uint64(mute), uint64(destination), uint64(s.now().Add(UndoLife).Unix()))
}

// VerifyUndoMute returns the mute and the destination of a token of UndoMute, or ErrToken.
func (s *Signer) VerifyUndoMute(token string) (mute, destination uint, err error) {
	fields, err := s.open(undoMuteToken, token)
	if err != nil || s.now().Unix() >= int64(fields[2]) {
		return 0, 0, ErrToken
	}
	return uint(fields[0]), uint(fields[1]), nil
}
