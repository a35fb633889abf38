package world

import "syscall"

// ownProcess lets a server have no part in Ctrl-C, and end when this process is killed.
func ownProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
