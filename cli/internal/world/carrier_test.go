package world

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/management"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smsc"
)

func TestNumbers(t *testing.T) {
	tests := []struct {
		numbers     Numbers
		first, last string // empty: there are no such numbers
		expression  string
	}{
		{Numbers{"2547000", 100}, "254700000001", "254700000100", "^2547000[0-9]{5}$"},
		{Numbers{"2547", 1}, "254700001", "254700001", "^2547[0-9]{5}$"},
		{Numbers{"2547", 1_000_000}, "25470000001", "25471000000", "^2547[0-9]{7}$"},
		{Numbers{"2547000000", 99_999}, "254700000000001", "254700000099999", "^2547000000[0-9]{5}$"},
		{Numbers{"25470000000", 1}, "", "", ""}, // 16 digits
		{Numbers{"1", 1}, "", "", ""},           // 6
		{Numbers{"0254700", 1}, "", "", ""},
		{Numbers{"+254700", 1}, "", "", ""},
		{Numbers{"2547x", 1}, "", "", ""},
		{Numbers{"", 1}, "", "", ""},
		{Numbers{"2547", -1}, "", "", ""},
	}
	for _, tt := range tests {
		err := tt.numbers.Validate()
		if tt.first == "" {
			if !errors.Is(err, ErrNumbers) {
				t.Errorf("%+v: %v", tt.numbers, err)
			}
			continue
		}
		first, last := string(tt.numbers.At(1)), string(tt.numbers.At(tt.numbers.Count))
		if err != nil || first != tt.first || last != tt.last || tt.numbers.Range() != tt.expression {
			t.Errorf("%+v: %v, %s to %s, %s", tt.numbers, err, first, last, tt.numbers.Range())
		}
	}
}

const carrierTestKey = "op_of_the_carrier"

// inCarrier runs a carrier in memory until do returns, which it is to end after without an error.
func inCarrier(t *testing.T, c CarrierConfig, do func(*Carrier, *management.Client)) {
	t.Helper()
	if c.Gateway.Network == nil {
		c.Gateway.Network = new(network.Memory)
	}
	c.Gateway.Listen, c.Gateway.HTTP, c.Gateway.Key, c.Control = loopback, loopback, carrierTestKey, loopback
	if c.Gateway.Accounts == nil {
		c.Gateway.Accounts = []smsc.Account{{SystemID: "app", Password: "secret", AddressRange: "^4242$"}}
	}
	room, err := NewCarrier(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- room.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	if err := room.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	client, err := management.NewClient(room.URL(), carrierTestKey, HTTPClient(c.Gateway.Network))
	if err != nil {
		t.Fatal(err)
	}
	do(room, client)
}

// A carrier has its own phones, the radio and the faults that it was given, and ends
// also while somebody waits for a message.
func TestCarrierAlone(t *testing.T) {
	faults, err := fault.Parse("submit_sm=ESME_RSYSERR count=1")
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	config := CarrierConfig{Phones: Numbers{"2547000", 3}, Gateway: GatewayConfig{Seed: 1, Faults: faults, Radio: radio.Plan{Cells: []radio.Cell{{Name: "north"}}}}}
	inCarrier(t, config, func(room *Carrier, client *management.Client) {
		ctx := t.Context()
		if all := room.ReadyPhones(); len(all) != 3 || all[2].MSISDN != "254700000003" {
			t.Errorf("%+v", all)
		}
		hello := management.NewMessage{Destination: "254700000003", Text: "hello"}
		if _, err := client.Send(ctx, hello); err == nil {
			t.Error("the fault did not strike")
		}
		sent, err := client.Send(ctx, hello)
		if err != nil {
			t.Fatal(err)
		}
		page, err := client.Message(ctx, sent.Messages[0].ID, 10*time.Second)
		if err != nil || page.Messages[0].State != "DELIVERED" {
			t.Errorf("%+v %v", page, err)
		}
		if plan, err := client.Radio(ctx); err != nil || len(plan.Cells) != 1 {
			t.Errorf("%+v %v", plan, err)
		}
		before := make(chan struct{})
		go func() {
			close(before)
			_, err := client.Messages(ctx, management.MessageFilter{Text: "never", Wait: 20 * time.Second})
			waited <- err
		}()
		<-before
	})
	<-waited // answered or cut off, but not left waiting
}

// A name that is taken, and an address that is, leave nothing behind.
func TestCarrierCannotBeMade(t *testing.T) {
	n := new(network.Memory)
	c := CarrierConfig{Phones: Numbers{"2547000", 1}, Control: loopback, Gateway: GatewayConfig{
		Network: n, Listen: loopback, Accounts: []smsc.Account{{SystemID: handsetsAccount}},
	}}
	if _, err := NewCarrier(t.Context(), c); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	taken, err := n.Listen(t.Context(), loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c.Gateway.Accounts, c.Control = nil, taken.Addr().String()
	c.Gateway.Listen = "127.0.0.1:2775"
	for range 2 { // the second finds the address of SMPP free
		if _, err := NewCarrier(t.Context(), c); err == nil || !errors.As(err, new(*net.OpError)) || bytes.Contains([]byte(err.Error()), []byte("SMPP")) {
			t.Error(err)
		}
	}
}

// SMPP is spoken over TLS beside the plain port.
func TestCarrierOverTLS(t *testing.T) {
	certificate, roots := selfSigned(t)
	n := new(network.Memory)
	config := CarrierConfig{Gateway: GatewayConfig{Network: n, Secure: &Secure{Listen: loopback, Certificate: certificate}}}
	inCarrier(t, config, func(room *Carrier, client *management.Client) {
		c, err := esme.New(esme.Config{SystemID: "app", Password: "secret", Dial: func(ctx context.Context) (net.Conn, error) {
			conn, err := n.Dial(ctx, room.SecureAddress())
			if err != nil {
				return nil, err
			}
			return tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "carrier"}), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = c.Run(ctx) })
		defer func() { stop(); wg.Wait() }()
		if err := c.WaitBound(ctx); err != nil {
			t.Fatal(err)
		}
		if all, err := client.Sessions(ctx, "app"); err != nil || len(all.Sessions) != 1 {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"carrier"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// Every PDU is in the capture, without passwords.
func TestCarrierCapture(t *testing.T) {
	var file bytes.Buffer
	inCarrier(t, CarrierConfig{Phones: Numbers{"2547000", 1}, Gateway: GatewayConfig{Capture: &file}}, func(_ *Carrier, client *management.Client) {
		if _, err := client.Send(t.Context(), management.NewMessage{Destination: "254700000001", Text: "in the clear"}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Messages(t.Context(), management.MessageFilter{State: "DELIVERED", Wait: 10 * time.Second}); err != nil {
			t.Fatal(err)
		}
	})
	const sectionHeader = 0x0A0D0D0A // of pcapng
	if got := file.Bytes(); len(got) < 100 || binary.LittleEndian.Uint32(got) != sectionHeader || !bytes.Contains(got, []byte("in the clear")) ||
		!bytes.Contains(got, []byte("handsets\x00********\x00")) {
		t.Errorf("%d octets: %q", len(got), got)
	}
}

// failing is a writer that fails.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// A capture that cannot be written ends the carrier, and says why.
func TestCarrierCaptureFails(t *testing.T) {
	n := new(network.Memory)
	room, err := NewCarrier(t.Context(), CarrierConfig{Gateway: GatewayConfig{
		Network: n, Listen: loopback, Capture: failing{}, Accounts: []smsc.Account{{SystemID: "app"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := room.Run(t.Context()); err == nil || !bytes.Contains([]byte(err.Error()), []byte("the disk is full")) {
		t.Error(err)
	}
}

// stuck is a store that does not answer commits while it is told not to.
type stuck struct {
	*msgstore.Memory
	mu  sync.Mutex
	why error
}

func (s *stuck) set(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = why
}

func (s *stuck) Commit(ctx context.Context, b *msgstore.Batch) error {
	s.mu.Lock()
	why := s.why
	s.mu.Unlock()
	if why != nil {
		return why
	}
	return s.Memory.Commit(ctx, b)
}

// readyz says that the store does not answer, and that it does again.
func TestCarrierReadiness(t *testing.T) {
	store := &stuck{Memory: msgstore.NewMemory(msgstore.Keep{})}
	n := new(network.Memory)
	inCarrier(t, CarrierConfig{Gateway: GatewayConfig{Network: n, Store: store}}, func(room *Carrier, _ *management.Client) {
		until := func(want int) {
			t.Helper()
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-tick.C {
				resp, err := HTTPClient(n).Get(room.URL() + "/readyz")
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode == want {
					return
				}
			}
			t.Fatalf("readyz does not become %d", want)
		}
		until(http.StatusOK)
		store.set(errors.New("no answer"))
		until(http.StatusServiceUnavailable)
		store.set(nil)
		until(http.StatusOK)
	})
}
