package network

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// conn is one end of a connection: a stream in and a stream out.
type conn struct {
	in, out       *stream
	local, remote Addr
}

var _ interface {
	net.Conn
	CloseWrite() error
} = (*conn)(nil)

// newPair makes a connection with so many octets under way each way.
func newPair(clientAddr, serverAddr Addr, buffer int) (client, server *conn) {
	up, down := newStream(buffer), newStream(buffer)
	client = &conn{in: down, out: up, local: clientAddr, remote: serverAddr}
	server = &conn{in: up, out: down, local: serverAddr, remote: clientAddr}
	return client, server
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.wrap("read", err)
}

// Write implements net.Conn. It answers when all of b is in the buffer.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.wrap("write", err)
}

// wrap tells the operation and the addresses, as package net does.
func (c *conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // a reader's io.EOF is never wrapped
		return err
	}
	return &net.OpError{Op: op, Net: memory, Source: c.local, Addr: c.remote, Err: err}
}

// Close implements net.Conn. What was written can still be read by the other end,
// then it reads the end: or a reset, if it had sent what was never read here.
func (c *conn) Close() error {
	unread, open := c.in.closeReader()
	if !open {
		return c.wrap("close", net.ErrClosed)
	}
	last := io.EOF
	if unread {
		last = syscall.ECONNRESET
	}
	c.out.closeWriter(last, net.ErrClosed)
	return nil
}

// abort closes the connection so that the other end reads a reset.
func (c *conn) abort() {
	c.in.closeReader()
	c.out.closeWriter(syscall.ECONNRESET, net.ErrClosed)
}

// CloseWrite ends what is sent; what comes in can still be read.
func (c *conn) CloseWrite() error {
	c.out.closeWriter(io.EOF, syscall.EPIPE)
	return nil
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	return c.wrap("set", c.in.setReadDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	return c.wrap("set", c.out.setWriteDeadline(t))
}
