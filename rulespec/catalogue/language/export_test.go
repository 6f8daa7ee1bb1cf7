package language

// ByLibrary has f run with the libraries computing what steps and writers would. Nothing else may run beside it.
func ByLibrary(f func()) {
	byLibrary = true
	defer func() { byLibrary = false }()
	f()
}
