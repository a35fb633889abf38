package torture

import "syscall"

// ownProcess lets a process have no part in Ctrl-C, and end when this one is killed.
func ownProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
