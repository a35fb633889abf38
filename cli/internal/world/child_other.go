//go:build !linux

package world

import "syscall"

// ownProcess has nothing to ask for here: a server outlives a process that is killed.
func ownProcess() *syscall.SysProcAttr { return nil }
