package main

// busCmd is `notifyd bus`.
type busCmd struct {
	Verify busVerifyCmd `cmd:"" help:"Say who has signed messages: JSON Lines in, one verdict a line out."`
}
