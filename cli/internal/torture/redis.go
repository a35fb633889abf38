package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// server is a redis-server with settings for keeps, that can be killed and started again
// on its files.
type server struct {
	site *site
	name string
	dir  string
	port string
	more []string // settings
	up   *process
}

// newServer makes a server at a port that was free a moment ago, and starts it.
func (s *site) newServer(ctx context.Context, name, dir string, more ...string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	r := &server{site: s, name: name, dir: dir, port: port, more: more}
	return r, r.start(ctx)
}

func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	return port, errors.Join(err, ln.Close())
}

func (r *server) address() string { return "127.0.0.1:" + r.port }

func (r *server) start(ctx context.Context) error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return err
	}
	args := append([]string{
		"--bind", "127.0.0.1", "--port", r.port, "--dir", r.dir, "--save", "", "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "no", "--maxmemory-policy", "noeviction",
	}, r.more...)
	if r.up, err = start(r.site.dir, r.name, path, nil, args, r.site.died); err != nil {
		return err
	}
	return r.up.await(ctx, 20*time.Second, r.answers)
}

// answers says whether the server answers and has loaded its files.
func (r *server) answers() bool {
	answer, err := r.ask("PING")
	return err == nil && answer == "+PONG\r\n"
}

// ask sends one command, written as in telnet, and answers the first of its reply.
func (r *server) ask(command string) (string, error) {
	conn, err := net.DialTimeout("tcp", r.address(), time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		return "", err
	}
	part := make([]byte, 64<<10)
	n, err := conn.Read(part)
	return string(part[:n]), err
}

// aof is the part of the append-only file that grows.
func (r *server) aof() (string, error) {
	found, err := filepath.Glob(filepath.Join(r.dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("%s has no append-only file (%w)", r.dir, err)
	}
	return found[len(found)-1], nil
}

// fix cuts off what is torn, as an operator does, and tells how much that was.
func (r *server) fix(ctx context.Context) error {
	manifest := filepath.Join(r.dir, "appendonlydir", "appendonly.aof.manifest")
	command := exec.CommandContext(ctx, "redis-check-aof", "--fix", manifest)
	command.Stdin = strings.NewReader("y\n")
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("redis-check-aof: %w: %s", err, &said)
	}
	return nil
}
