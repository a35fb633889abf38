package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/fsm/redisstore"
)

// others are the rights of everybody but the owner.
const others fs.FileMode = 0o077

// files looks at the rights of the state directory, what is in it, and the vault.
func files(c *call, vault string) []finding {
	dir := filepath.Dir(stateFile(c.env.Getenv, "vault.json"))
	all := []finding{directory(dir)}
	paths, err := secretsIn(dir)
	if err != nil {
		all[0].Weight, all[0].Found, all[0].Cost, all[0].Mend = redisstore.Warning, err.Error(), "what is in it was not checked", "let this user read it"
	}
	if path := cmp.Or(vault, filepath.Join(dir, "vault.json")); !slices.Contains(paths, path) {
		paths = append(paths, path)
	}
	for _, path := range paths {
		all = append(all, secretFile(path, path == vault))
	}
	return all
}

// secretsIn lists the regular files under a directory, which may not be there.
func secretsIn(dir string) (paths []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return paths, err
}

// directory wants its owner's alone. One that others may only read shows names.
func directory(path string) finding {
	f := finding{Check: "state directory", At: path, Wanted: "drwx------", Weight: redisstore.Fine}
	info, err := os.Stat(path)
	if err != nil {
		f.Found = "not there yet"
		return f
	}
	f.Found = info.Mode().String()
	switch mode := info.Mode().Perm(); {
	case mode&0o022 != 0:
		f.Weight, f.Cost = redisstore.Danger, "others can put keys and addresses of their own in it"
	case mode&others != 0:
		f.Weight, f.Cost = redisstore.Warning, "others can see what is in it"
	}
	if f.Weight != redisstore.Fine {
		f.Mend, f.rights = "chmod 700 "+path, 0o700
	}
	return f
}

// secretFile wants a file that is its owner's alone. One that was named must be there.
func secretFile(path string, named bool) finding {
	f := finding{Check: "file", At: path, Wanted: "-rw-------", Weight: redisstore.Fine}
	if filepath.Base(path) == "vault.json" || named {
		f.Check = "vault"
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		f.Found = "not there yet"
	case err != nil:
		f.Weight, f.Found = redisstore.Danger, "it cannot be read: "+reason(err)
		f.Cost, f.Mend = "a store is of no use without the vault it was filled with", "bring it back from a copy; airtill keys init makes one for a new store"
	case info.Mode().Perm()&others != 0 && shielded(path):
		f.Weight, f.Found = redisstore.Warning, info.Mode().String()
		f.Cost, f.Mend = "only its directory keeps others from it; a copy elsewhere is open to them", "chmod 600 "+path
		f.rights = 0o600
	case info.Mode().Perm()&others != 0:
		f.Weight, f.Found = redisstore.Danger, info.Mode().String()
		f.Cost, f.Mend = "others can read the keys in it and act as the platform, a merchant or a phone", "chmod 600 "+path+"; if others are on this machine, change the keys too"
		f.rights = 0o600
	default:
		f.Found = info.Mode().String()
	}
	return f
}

// setRights makes what others can get at its owner's alone, after asking.
func setRights(ctx context.Context, c *call, all []finding) error {
	all = slices.DeleteFunc(all, func(f finding) bool { return f.rights == 0 })
	if len(all) == 0 {
		c.talk("there are no rights to set")
		return nil
	}
	if err := c.confirm(ctx, "make %d files and directories their owner's alone", len(all)); err != nil {
		return err
	}
	for _, f := range all {
		if err := os.Chmod(f.At, f.rights); err != nil {
			return fmt.Errorf("set the rights: %w", err)
		}
		c.talk("done: %s", f.Mend)
	}
	return nil
}

// shielded says that only the owner can go into the file's directory.
func shielded(path string) bool {
	info, err := os.Stat(filepath.Dir(path))
	return err == nil && info.Mode().Perm()&others == 0
}

// reason is an error without the path, which is said beside it.
func reason(err error) string {
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		return cause.Err.Error()
	}
	return err.Error()
}

// faces are where the rooms listen unless told otherwise.
func faces() []struct{ room, address string } {
	return []struct{ room, address string }{
		{"platform", "127.0.0.1:8080"}, {"handsets", "127.0.0.1:8081"}, {"shop", "127.0.0.1:8082"},
		{"carrier", "127.0.0.1:2775"}, {"carrier's management", managementAddress}, {"carrier's phones", controlAddress},
	}
}

// ports says which of the rooms' addresses are free, and who has the others.
func ports(ctx context.Context, n network.Network) []finding {
	var all []finding
	for _, face := range faces() {
		f := finding{Check: "port of the " + face.room, At: face.address, Found: "free", Wanted: "free, or airtill's", Weight: redisstore.Fine}
		ln, err := n.Listen(ctx, face.address)
		switch {
		case err == nil:
			_ = ln.Close() // it was only tried
		case errors.Is(err, syscall.EADDRINUSE):
			f.taken(listener(os.DirFS("/proc"), face.address))
		default:
			f.Weight, f.Found, f.Cost, f.Mend = redisstore.Warning, err.Error(), "nothing can listen there", "name another address"
		}
		all = append(all, f)
	}
	return all
}

func (f *finding) taken(by string) {
	f.Found = "taken by " + cmp.Or(by, "another process")
	if strings.HasPrefix(by, "airtill ") {
		return
	}
	f.Weight, f.Cost = redisstore.Note, "airtill dev moves to a free port, and a room by itself does not start"
	f.Mend = "stop it, or name another address"
}

// listener says which process listens at a TCP address of version 4, where /proc tells
// (Linux); to its owner and to root.
func listener(proc fs.FS, address string) string {
	inode := listening(proc, address)
	if inode == "" {
		return ""
	}
	fds, err := fs.Glob(proc, "[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, fd := range fds {
		if to, err := fs.ReadLink(proc, fd); err != nil || to != "socket:["+inode+"]" {
			continue
		}
		pid, _, _ := strings.Cut(fd, "/")
		name, _ := fs.ReadFile(proc, pid+"/comm") // a process without a name has its number
		return strings.TrimSpace(string(name)) + " (process " + pid + ")"
	}
	return ""
}

// listening finds the socket that listens at an address, in the words of net/tcp: the
// octets of the address from the last to the first, the port, and state 0A.
func listening(proc fs.FS, address string) (inode string) {
	host, port, err := net.SplitHostPort(address)
	number, portErr := strconv.Atoi(port)
	ip := net.ParseIP(host).To4()
	if err != nil || portErr != nil || ip == nil {
		return ""
	}
	table, err := fs.ReadFile(proc, "net/tcp")
	if err != nil {
		return ""
	}
	here := []string{
		fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], number), fmt.Sprintf("00000000:%04X", number),
	}
	for line := range strings.Lines(string(table)) {
		columns := strings.Fields(line)
		if len(columns) > 9 && slices.Contains(here, columns[1]) && columns[3] == "0A" {
			return columns[9]
		}
	}
	return ""
}

// programs are what Airtill can use, and does without.
func programs() []finding {
	var all []finding
	for _, p := range []struct{ name, use string }{
		{"redis-server", "a store for keeps on this machine"}, {"tshark", "airtill decode --tshark-plugin, and captures"},
	} {
		f := finding{Check: p.name, Wanted: "for " + p.use, Weight: redisstore.Fine}
		if path, err := exec.LookPath(p.name); err == nil {
			f.Found = path
		} else {
			f.Weight, f.Found, f.Cost, f.Mend = redisstore.Note, "not installed", "nothing", "install it if it is wanted"
		}
		all = append(all, f)
	}
	return all
}
