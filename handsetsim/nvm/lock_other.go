//go:build !unix

package nvm

import "os"

// lockFile cannot hold a file here: see to it that one process uses a directory.
func lockFile(*os.File) error { return nil }

func unlockFile(*os.File) error { return nil }
