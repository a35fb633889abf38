package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a real redis-server of a test's own.
type server struct {
	url string
	dir string // with its append-only file
}

// startRedis starts an empty one, which is safe by the measure of the store: what was
// acknowledged is on disk. Settings may make it less so.
func startRedis(t testing.TB, settings ...string) server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil && os.Getenv("AIRTILL_REQUIRE_PEERS") != "" {
		t.Fatalf("%v; AIRTILL_REQUIRE_PEERS is set", err)
	} else if err != nil {
		t.Skip("no redis-server on the PATH")
	}
	for range 5 { // another process may take the port first
		if s, ok := tryRedis(t, path, settings...); ok {
			return s
		}
	}
	t.Fatal("redis-server finds no port")
	return server{}
}

func tryRedis(t testing.TB, path string, settings ...string) (server, bool) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().(*net.TCPAddr)
	_ = ln.Close()
	s := server{url: "redis://" + addr.String(), dir: t.TempDir()}
	_, port, _ := net.SplitHostPort(addr.String())
	args := append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--save", "", "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "no", "--maxmemory-policy", "noeviction",
		"--logfile", filepath.Join(s.dir, "log")}, settings...)
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }() // it is killed
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	return s, s.answered(addr.String(), ended)
}

// answered waits until this server answers, and no other that took its port first, or has ended.
func (s server) answered(addr string, ended <-chan struct{}) bool {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return s.own(addr)
		}
		select {
		case <-tick.C:
		case <-ended:
			return false
		}
	}
}

func (s server) own(addr string) bool {
	client := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2})
	defer client.Close()
	at, err := client.ConfigGet(context.Background(), "dir").Result()
	return err == nil && at["dir"] == s.dir
}

// load has redis-cli send a file of commands, all of which are to succeed.
func (s server) load(t testing.TB, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("redis-cli", "-u", s.url, "--pipe")
	cmd.Stdin = file
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "errors: 0,") {
		t.Fatalf("redis-cli: %v\n%s", err, out)
	}
}
