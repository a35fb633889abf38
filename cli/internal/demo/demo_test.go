package demo_test

import (
	"bytes"
	"encoding/hex"
	"net"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/demo"
	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/peers"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/scp80"
)

// heard keeps what a demo tells.
type heard struct {
	scenes []demo.Scene
	hops   []demo.Hop
	bills  []demo.Bill
}

func (h *heard) Scene(s demo.Scene) { h.scenes = append(h.scenes, s) }
func (h *heard) Hop(hop demo.Hop)   { h.hops = append(h.hops, hop) }
func (h *heard) Bill(b demo.Bill)   { h.bills = append(h.bills, b) }

func play(t *testing.T, c demo.Config) (*heard, demo.Summary) {
	t.Helper()
	h := new(heard)
	store, err := world.OpenStore(t.Context(), c.Network, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c.Store, c.Tell, c.Seed = store, h, 1
	sum, err := demo.Run(t.Context(), c)
	if err != nil {
		t.Fatalf("%v: %+v", err, sum)
	}
	return h, sum
}

// In each suite every scene ends as written, each clause is shown by a hop, and the books are right.
func TestDemo(t *testing.T) {
	for suite, algorithms := range map[scp80.Suite]string{scp80.Modern: "AES-CBC + CMAC", scp80.Legacy: "3DES + CBC-MAC"} {
		t.Run(suite.String(), func(t *testing.T) {
			t.Parallel()
			h, sum := play(t, demo.Config{Network: new(network.Memory), Suite: suite})
			asWritten(t, h, sum)
			if sum.Suite != suite.String() {
				t.Errorf("the summary says suite %s", sum.Suite)
			}
			for _, hop := range h.hops {
				if strings.Contains(hop.What, "packet") && !strings.Contains(hop.What, algorithms) {
					t.Errorf("a packet of the %s suite: %s", suite, hop.What)
				}
			}
		})
	}
}

func asWritten(t *testing.T, h *heard, sum demo.Summary) {
	t.Helper()
	if !sum.OK || sum.Bills != 7 || sum.Paid != 5 || sum.Refused != 1 || sum.Expired != 1 {
		t.Errorf("summary %+v", sum)
	}
	if sum.LedgerSum != 0 || sum.DuplicateDebits != 0 || sum.Clearing != 0 || sum.JournalEntries == 0 {
		t.Errorf("books %+v", sum)
	}
	if len(h.bills) != 7 || len(h.scenes) != 7 {
		t.Errorf("told %d bills of %d scenes", len(h.bills), len(h.scenes))
	}
	shown := map[string]int{}
	for _, hop := range h.hops {
		shown[hop.Clause]++
		if hop.Wire == "SMPP" && (hop.Octets == 0 || hop.Octets > 140) {
			t.Errorf("%d octets of user data: %+v", hop.Octets, hop)
		}
	}
	for _, clause := range []string{"S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14", "S16", "S17", "S18", "S19"} {
		if shown[clause] == 0 {
			t.Errorf("no hop shows %s", clause)
		}
	}
}

// A dissector that nobody here wrote reads every octet that a demo puts on the wire to
// and from the carrier: no PDU is malformed, no user data is over 140 octets, and
// neither PIN nor identity number is in it in clear.
func TestDemoOnTheWire(t *testing.T) {
	peers.Want(t, "tshark")
	address := freeAddress(t)
	tap := peers.Listen(t, address.Port)
	play(t, demo.Config{Network: network.TCP{}, SMPP: address.String()})
	trace := tap.Stop()
	if len(trace.Malformed) != 0 || trace.Unread != 0 {
		t.Errorf("malformed %q, %d octets unread", trace.Malformed, trace.Unread)
	}
	commands := trace.Commands()
	for name, id := range map[string]uint32{
		"bind_transceiver": 9, "submit_sm": 4, "submit_sm_resp": 0x80000004,
		"deliver_sm": 5, "deliver_sm_resp": 0x80000005, "unbind": 6,
	} {
		if commands[id] == 0 {
			t.Errorf("no %s among %d PDUs", name, len(trace.PDUs))
		}
	}
	for _, p := range trace.PDUs {
		if len(p.UserData) > 140 {
			t.Errorf("%s carries %d octets of user data", p.Title, len(p.UserData))
		}
	}
	for what, digits := range map[string]string{"PIN": "246813", "identity number": "110105199003070"} {
		bcd, _ := hex.DecodeString((digits + "F")[:len(digits)/2*2+len(digits)%2*2])
		if bytes.Contains(trace.Raw, []byte(digits)) || len(bcd) > 4 && bytes.Contains(trace.Raw, bcd) {
			t.Errorf("the %s is on the wire in clear", what)
		}
	}
}

// freeAddress is a port that nobody listens at.
func freeAddress(t *testing.T) *net.TCPAddr {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr)
}
