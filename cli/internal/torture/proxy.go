package torture

import (
	"context"
	"net"
	"sync"
)

// proxy stands between the platforms and their Redis, and can fail as a network does.
type proxy struct {
	ln      net.Listener
	to      string
	serving sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond // mode, or flying
	mode    mode
	flying  int // replies that are being passed on
	conns   map[net.Conn]bool
	lost    int
	closed  bool
}

// mode is what becomes of what passes.
type mode int

const (
	passes      mode = iota
	loseReplies      // requests arrive; at its next reply a connection breaks, and the reply is gone
	holdReplies      // requests arrive, replies wait
	cutOff           // connections break, and there are no others
)

func newProxy(to string) (*proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{ln: ln, to: to, conns: make(map[net.Conn]bool)}
	p.changed.L = &p.mu
	p.serving.Go(p.accept)
	return p, nil
}

func (p *proxy) address() string { return p.ln.Addr().String() }

// set changes what becomes of what passes. When it returns no reply is on its way that
// was passed on by the mode before.
func (p *proxy) set(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	p.changed.Broadcast()
	if m == cutOff {
		p.breakAll()
	}
	for p.flying > 0 {
		p.changed.Wait()
	}
}

// breakAll breaks all connections. The lock is held; closing does not wait.
func (p *proxy) breakAll() {
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// lostReplies is how many replies were lost so far.
func (p *proxy) lostReplies() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

func (p *proxy) close() {
	_ = p.ln.Close()
	p.mu.Lock()
	p.closed, p.mode = true, cutOff
	p.changed.Broadcast()
	p.breakAll()
	p.mu.Unlock()
	p.serving.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return // closed
		}
		p.serving.Go(func() { p.serve(client) })
	}
}

// serve passes one connection on, until either end closes.
func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	var d net.Dialer
	server, err := d.DialContext(context.Background(), "tcp", p.to)
	if err != nil {
		return // so is the server, for the client
	}
	defer server.Close()
	if !p.admit(client, server) {
		return
	}
	defer p.leave(client, server)
	var asking sync.WaitGroup
	asking.Go(func() { pump(server, client, func() bool { return true }, func() {}); _ = server.Close() })
	pump(client, server, p.passReply, p.passed)
	_ = client.Close()
	_ = server.Close()
	asking.Wait()
}

func (p *proxy) admit(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		p.conns[conn] = true
	}
	return p.mode != cutOff
}

func (p *proxy) leave(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}

// pump copies from one end to the other what may pass.
func pump(to, from net.Conn, may func() bool, done func()) {
	part := make([]byte, 64<<10)
	for {
		n, err := from.Read(part)
		if n > 0 {
			if !may() {
				return
			}
			_, writing := to.Write(part[:n])
			done()
			if writing != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// passReply waits while replies are held, and says whether this one passes.
func (p *proxy) passReply() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.mode == holdReplies {
		p.changed.Wait()
	}
	switch p.mode {
	case cutOff:
		return false
	case loseReplies:
		p.lost++
		return false
	}
	p.flying++
	return true
}

func (p *proxy) passed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying--
	p.changed.Broadcast()
}
