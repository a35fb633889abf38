package peers

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/trace"
)

const (
	payloadTag = "\x04\x24" // message_payload, SMPP 3.4 §5.3.2.32
	bindBody   = "kannel\x00secret\x00\x00\x34\x00\x00\x00"
)

// large is a message that many segments carry. The dissector takes no PDU of more
// than 64 KiB for SMPP.
const large = 64<<10 - 100

// conversation is a session with a large message.
func conversation(f *trace.Flow) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	f.In(pdu(0x09, 1, bindBody), at)
	f.Out(pdu(0x80000009, 1, "AIRTILL\x00\x02\x10\x00\x01\x34"), at)
	f.In(pdu(0x04, 2, "\x00\x01\x0110658\x00\x01\x018613800000001\x00\x00\x00\x00\x00\x00\x01\x00\x04\x00\x00"+payloadTag+"\xff\x9c"+strings.Repeat("x", large)), at)
	f.Out(pdu(0x80000004, 2, "0000000100000001\x00"), at)
	f.In(bytes.Repeat(pdu(0x15, 3, ""), 100), at)
	f.In(pdu(0x06, 4, ""), at)
	f.Out(pdu(0x80000006, 4, ""), at)
	f.Close(at)
}

// The dissector reads every PDU of our own trace, over IPv4 and IPv6, on SMPP's port
// and on another; TCP's analysis finds nothing; and no password is there.
func TestTsharkReadsTraces(t *testing.T) {
	tap := traced(t, func(tr *trace.Trace) {
		six := func(port int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv6loopback, Port: port} }
		conversation(tr.Accepted(loopback(2775), loopback(40000), time.Now()))
		conversation(tr.Dialled(six(40001), six(12775), time.Now()))
		conversation(tr.Accepted(nil, nil, time.Now()))
		conversation(tr.Accepted(loopback(2775), loopback(40000), time.Now())) // the same ports again
	}, 2775, 12775)
	got, err := tap.dissect()
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Malformed) != 0 || got.Unread != 0 {
		t.Errorf("malformed: %q, %d octets unread", got.Malformed, got.Unread)
	}
	for command, want := range map[uint32]int{0x09: 1, 0x80000009: 1, 0x04: 1, 0x80000004: 1, 0x15: 100, 0x06: 1, 0x80000006: 1} {
		if n := got.Commands()[command]; n != 4*want {
			t.Errorf("%d PDUs of command_id %08x, want %d", n, command, 4*want)
		}
	}
	for _, p := range got.PDUs {
		if p.Command == 0x04 && len(p.UserData) != large {
			t.Errorf("a message of %d octets", len(p.UserData))
		}
	}
	if bytes.Contains(got.Raw, []byte("secret")) {
		t.Error("the password is in the trace")
	}
	complaints, err := tap.read("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
		"-Y", "(tcp.analysis.flags and not tcp.analysis.reused_ports) or tcp.checksum.status == 0 or ip.checksum.status == 0")
	if err != nil || len(complaints) != 0 {
		t.Errorf("TCP's analysis: %v\n%s", err, complaints)
	}
}

// A trace that was cut off in the middle of a packet still has those before it.
func TestTsharkReadsACutOffTrace(t *testing.T) {
	tap := traced(t, func(tr *trace.Trace) { conversation(tr.Accepted(loopback(2775), loopback(40000), time.Now())) }, 2775)
	whole, err := os.ReadFile(tap.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tap.file, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	said := new(bytes.Buffer)
	cmd := exec.CommandContext(t.Context(), "tshark", "-r", tap.file, "-Y", "smpp", "-T", "fields", "-e", "smpp.command_id")
	cmd.Stderr = said
	out, _ := cmd.Output() // it complains, and rightly
	if !strings.Contains(said.String(), "cut short") || !strings.HasPrefix(string(out), "0x00000009\n0x80000009\n") {
		t.Errorf("tshark reads %q and says %s", out, said)
	}
}

// What a message centre writes down of a session with receipts, the dissector reads:
// every PDU of it, in full.
func TestTsharkReadsACentresTrace(t *testing.T) {
	const many = 50
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tap := traced(t, func(tr *trace.Trace) {
		server, err := smsc.New(smsc.Config{Accounts: []smsc.Account{{SystemID: "shop", Password: "secret", AddressRange: "^10690$"}}, Trace: tr})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var served sync.WaitGroup
		served.Go(func() {
			if err := server.Serve(ctx, ln); err != nil {
				t.Error(err)
			}
		})
		talk(t, ln.Addr().String(), many)
		stop()
		served.Wait()
	}, ln.Addr().(*net.TCPAddr).Port)
	got, err := tap.dissect()
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Malformed) != 0 || got.Unread != 0 {
		t.Errorf("malformed: %q, %d octets unread", got.Malformed, got.Unread)
	}
	for command, want := range map[uint32]int{
		0x09: 1, 0x80000009: 1, 0x04: many, 0x80000004: many, 0x05: 2 * many, 0x80000005: 2 * many, 0x06: 1, 0x80000006: 1,
	} {
		if n := got.Commands()[command]; n != want {
			t.Errorf("%d PDUs of command_id %08x, want %d", n, command, want)
		}
	}
	if bytes.Contains(got.Raw, []byte("secret")) {
		t.Error("the password is in the trace")
	}
}

// talk has a client write messages to itself and wait for their receipts.
func talk(t *testing.T, address string, many int) {
	t.Helper()
	receipts := make(chan bool, many)
	client, err := esme.New(esme.Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		SystemID: "shop", Password: "secret",
		Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
			reply(smpp.ROK)
			if sm.IsReceipt() {
				receipts <- true
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() {
		if err := client.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := client.WaitBound(ctx); err != nil {
		t.Fatal(err)
	}
	for range many {
		sm := &smpp.SubmitSM{Destination: smpp.Address{Digits: "10690"}, RegisteredDelivery: smpp.ReceiptFinal, ShortMessage: []byte("traced")}
		if _, err := client.Submit(ctx, sm); err != nil {
			t.Fatal(err)
		}
	}
	for range many {
		<-receipts
	}
	stop()
	ran.Wait()
}
