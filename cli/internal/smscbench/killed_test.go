package smscbench_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/cli/internal/smscbench"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/msgstore/msgstoretest"
	"github.com/airtill/airtill/gateway/msgstore/redisstore"
	"github.com/airtill/airtill/gateway/smpp"
)

// storeVariable makes this test binary a gateway on the store at an address.
const storeVariable = "AIRTILL_TEST_GATEWAY_STORE"

func TestMain(m *testing.M) {
	if store := os.Getenv(storeVariable); store != "" {
		if err := gatewayProcess(store); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func openStore(ctx context.Context, address string) (*redisstore.Store, error) {
	link := new(msgstoretest.Link) // it dials unix sockets
	return redisstore.Open(ctx, redisstore.Options{Redis: &redis.UniversalOptions{Addrs: []string{address}, Dialer: link.Dial}})
}

// gatewayProcess says on stdout where it listens, and ends when stdin does.
func gatewayProcess(address string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store, err := openStore(ctx, address)
	if err != nil {
		return err
	}
	defer store.Close()
	at, wait, err := (&smscbench.Target{Route: smscbench.Phones, Durable: store}).Serve(ctx)
	if err != nil {
		return err
	}
	fmt.Println(at)
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	return wait()
}

// process is a gateway that can be killed.
type process struct {
	address string
	command *exec.Cmd
	stdin   io.Closer
}

func startGateway(t *testing.T, store string) *process {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), storeVariable+"="+store)
	c.Stderr = os.Stderr
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // it may have ended
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return &process{strings.TrimSpace(address), c, stdin}
}

// kill ends it at once (SIGKILL).
func (p *process) kill() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait() // killed
}

// witness remembers what a gateway has promised and done.
type witness struct {
	mu       sync.Mutex
	answered map[string]bool // ids with ESME_ROK
	receipts map[string]int
}

func (w *witness) count() (answered, withReceipt int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.answered {
		if w.receipts[id] > 0 {
			withReceipt++
		}
	}
	return len(w.answered), withReceipt
}

// client binds, submits as long as it is to, and answers what is delivered, until the
// connection is lost.
func (w *witness) client(t *testing.T, address string, who smscbench.Login, window int) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	send := func(p smpp.PDU) {
		octets, err := smpp.Append(nil, p)
		if err != nil {
			t.Error(err)
		}
		_, _ = c.Write(octets) // a lost connection ends the reading
	}
	send(smpp.PDU{Sequence: 1, Body: &smpp.BindTransceiver{SystemID: who.SystemID, Password: who.Password, InterfaceVersion: smpp.Version}})
	frames := smpp.NewReader(c, 0)
	for sequence := uint32(2); ; {
		frame, err := frames.Next()
		if err != nil {
			return
		}
		for n := w.take(t, frame, window, send); n > 0; n-- {
			send(submit(sequence))
			sequence++
		}
	}
}

func submit(sequence uint32) smpp.PDU {
	return smpp.PDU{Sequence: sequence, Body: &smpp.SubmitSM{
		Source: smpp.Address{Digits: "10658"}, Destination: smpp.Address{Digits: fmt.Sprintf("861380%07d", sequence%50)},
		RegisteredDelivery: smpp.ReceiptFinal, ShortMessage: binary.BigEndian.AppendUint32(nil, sequence),
	}}
}

// take works on one PDU, and says how many messages may be submitted for it.
func (w *witness) take(t *testing.T, frame []byte, window int, send func(smpp.PDU)) (more int) {
	p, err := smpp.Decode(frame)
	if err != nil {
		t.Error(err)
		return 0
	}
	switch body := p.Body.(type) {
	case *smpp.BindTransceiverResp:
		return window
	case *smpp.SubmitSMResp:
		if p.Status == smpp.ROK {
			w.mu.Lock()
			w.answered[body.MessageID] = true
			w.mu.Unlock()
		}
		return min(window, 1)
	case *smpp.DeliverSM:
		if r, err := smpp.ParseReceipt(string(body.ShortMessage)); err == nil && body.IsReceipt() {
			w.mu.Lock()
			w.receipts[r.ID]++
			w.mu.Unlock()
		}
		send(smpp.PDU{Sequence: p.Sequence, Body: &smpp.DeliverSMResp{}})
	case *smpp.Unbind:
		send(smpp.PDU{Sequence: p.Sequence, Body: &smpp.UnbindResp{}})
	}
	return 0
}

// during runs a sender and a receiver on a gateway until enough is seen and it is ended.
func (w *witness) during(t *testing.T, p *process, window int, enough func() bool, end func()) {
	t.Helper()
	var clients sync.WaitGroup
	clients.Go(func() { w.client(t, p.address, smscbench.TargetSender, window) })
	clients.Go(func() { w.client(t, p.address, smscbench.TargetReceiver, 0) })
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !enough(); <-tick.C {
		if time.Now().After(deadline) {
			answered, with := w.count()
			t.Errorf("%d messages are answered, %d have receipts, and there are no more", answered, with)
			break
		}
	}
	end()
	clients.Wait()
}

// TestKilled kills a gateway under load again and again and starts it on its store: every
// message that was answered with ESME_ROK reaches exactly one final state, and its sender
// has the receipt.
func TestKilled(t *testing.T) {
	const kills, each = 3, 400
	server := msgstoretest.NewServer(t)
	w := &witness{answered: make(map[string]bool), receipts: make(map[string]int)}
	for n := range kills {
		p := startGateway(t, server.Addr)
		w.during(t, p, 50, func() bool { answered, _ := w.count(); return answered >= (n+1)*each }, p.kill)
	}
	p := startGateway(t, server.Addr)
	all := func() bool { answered, with := w.count(); return answered == with }
	w.during(t, p, 0, all, func() {
		_ = p.stdin.Close()
		if err := p.command.Wait(); err != nil {
			t.Error(err)
		}
	})
	audit(t, server.Addr, w)
}

func audit(t *testing.T, address string, w *witness) {
	t.Helper()
	store, err := openStore(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	final := make(map[string]int)
	for r, err := range store.Load(t.Context()) {
		switch {
		case err != nil:
			t.Fatal(err)
		case r.Kind != msgstore.Message: // a receipt that came and is not known to have, or of a message that was not answered
		case r.State == gateway.Delivered:
			final[string(r.ID)]++
		case w.answered[string(r.ID)]:
			t.Errorf("message %s is left over: %s", r.ID, r.State)
		}
	}
	for id := range w.answered {
		if final[id] != 1 {
			t.Errorf("message %s has %d final states", id, final[id])
		}
	}
}
