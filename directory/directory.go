// Package directory knows who is in which group and who owns which package.
//
// It keeps snapshots: a reader gets one immutable Snapshot, and a source that fails leaves the last good one in place.
package directory
