//go:build !linux

package torture

import "syscall"

// ownProcess has nothing to ask for here: a process outlives one that is killed.
func ownProcess() *syscall.SysProcAttr { return nil }
