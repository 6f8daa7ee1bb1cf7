package control

// help lists what is understood.
func (d *Desk) help() []string {
	lines := []string{
		"Say: why [n] - why a notice came; last [n] - the newest notices; status - what waits and what is muted; filters.",
		"mute 2h, mute package 1w, mute kind, mute until solved - be told no more of it; unmute - the newest mute ends.",
		"digest 07:00, digest off - when notices come; digest now - what waits comes now.",
		"pause until monday - all is kept until then; resume. stop - nothing more is sent here.",
	}
	if d.Manage != "" {
		lines = append(lines, "All of it is at "+d.Manage)
	}
	return lines
}
