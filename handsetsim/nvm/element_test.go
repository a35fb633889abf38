package nvm

import (
	"bytes"
	"crypto/fips140"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// network is the platform's side of one element, over all its lives.
type network struct {
	suite  scp80.Suite
	pers   applet.Personalisation
	sent   uint64          // packets to the element
	uses   uint8           // version of the keys that it sends under
	mo     uint64          // highest packet counter from the element
	pin    uint32          // highest counter of a PIN key
	past   [][]byte        // packets that the element has answered
	spoken map[string]bool // packets from the element
}

func newNetwork(s scp80.Suite) *network {
	return &network{suite: s, uses: 1, spoken: make(map[string]bool), pers: applet.Personalisation{
		Element: one, Suite: s, Version: 1, MO: packetKeys(s, 1, 1), MT: packetKeys(s, 1, 2), TAR: scp80.TARPayment,
		KIK:     scp80.NewKey[applet.KeyEncryptionKey](secret(s, 101)),
		Initial: scp80.NewKey[applet.InitialKey](secret(s, 102)), KeyID: must(one.InitialKeyID(s)),
		CardData: scp80.NewKey[applet.CardDataKey](secret(s, 103)),
		Identity: must(applet.ParseIdentity(applet.ResidentID, "11010519900307123X")),
	}}
}

func secret(s scp80.Suite, seed byte) []byte {
	return append(bytes.Repeat([]byte{seed << 1}, 8), bytes.Repeat([]byte{seed<<1 ^ 0x80}, s.KeyLen()-8)...)
}

func packetKeys(s scp80.Suite, version, direction byte) scp80.Keys {
	return scp80.Keys{
		KIc: scp80.NewKey[scp80.CipherKey](secret(s, 4*version+2*direction)),
		KID: scp80.NewKey[scp80.MACKey](secret(s, 4*version+2*direction+1)),
	}
}

func (n *network) card() applet.CardEntry {
	pan := must(applet.ParsePAN("6225880000001116"))
	record := applet.CardRecord{PAN: pan, Expiry: 3012, Slot: 1}
	return applet.CardEntry{
		Slot: 1, Alias: "blue", Masked: pan.Masked(), Expiry: 3012, Token: "6212340000000019",
		Blob: must(applet.SealCard(n.suite, n.pers.CardData, record)),
	}
}

// packet is the next one for the element.
func (n *network) packet(m applet.Message) []byte {
	n.sent++
	keys := packetKeys(n.suite, n.uses, 2)
	return must(scp80.Wrap(n.suite.Profile(scp80.MT, n.uses), keys, n.sent, applet.Encode(n.suite, m)))
}

func (n *network) keys() *applet.Keys {
	next := n.uses + 1
	wrapped := must(applet.WrapKeys(n.suite, n.pers.KIK, next, packetKeys(n.suite, next, 1), packetKeys(n.suite, next, 2)))
	return &applet.Keys{Version: next, Wrapped: wrapped}
}

// hear takes what the element made under whatever version, and minds its counters.
func (n *network) hear(packet []byte) error {
	for _, version := range []uint8{n.uses, n.uses + 1} {
		counter, payload, err := scp80.Open(n.suite.Profile(scp80.MO, version), packetKeys(n.suite, version, 1), packet)
		if err != nil {
			continue
		}
		if counter <= n.mo || n.spoken[string(packet)] {
			return fmt.Errorf("packet counter %d after %d", counter, n.mo)
		}
		n.mo, n.uses, n.spoken[string(packet)] = counter, version, true
		if pay, ok := must(applet.Decode(n.suite, payload)).(*applet.Pay); ok {
			if pay.PINCounter <= n.pin {
				return fmt.Errorf("PIN key %d after %d", pay.PINCounter, n.pin)
			}
			n.pin = pay.PINCounter
		}
		return nil
	}
	return fmt.Errorf("the element speaks under keys that the platform has left: version %d", n.uses)
}

// chip is an element over a memory, in one of its lives.
type chip struct {
	element *se.Element
	memory  *Memory
}

// errDead ends a life: the disk has stopped.
var errDead = errors.New("the disk has stopped")

func (n *network) power(d disk) (chip, error) {
	m, err := load(d)
	if err != nil {
		return chip{}, errDead
	}
	slot := must(m.Slot(one))
	e, err := se.New(se.Config{ID: one, Form: applet.SIM, Rand: rand.NewChaCha8([32]byte{1}), Counters: slot, Contents: slot})
	if err != nil {
		return chip{}, err
	}
	c := chip{e, m}
	if e.Personalised() {
		return c, nil
	}
	if n.mo > 0 {
		return chip{}, errors.New("an element that has spoken is blank")
	}
	if err := e.Personalise(must(applet.SealPersonalisation(e.PublicKey(), n.pers))); err != nil {
		return chip{}, errDead
	}
	return c, nil
}

// say lets what the element makes out, once it cannot be lost.
func (n *network) say(c chip, payload []byte) error {
	packet, err := c.element.Wrap(payload)
	if err != nil || c.memory.Sync(c.memory.Position()) != nil {
		return errDead
	}
	return n.hear(packet)
}

// act is one thing that happens to the element.
func (n *network) act(c chip, what int) error {
	switch what % 4 {
	case 0:
		return n.pay(c)
	case 1:
		return n.ask(c, &applet.Result{Code: applet.CodeApproved, Currency: money.CNY}, &applet.Open{Status: applet.Opened})
	case 2:
		return n.ask(c, n.keys(), nil)
	}
	for i, old := range n.past {
		if _, err := c.element.Open(old); err == nil {
			return fmt.Errorf("packet %d was opened twice", i)
		}
	}
	return nil
}

func (n *network) pay(c chip) error {
	payload, err := c.element.Pay(se.PayRequest{
		Bill: applet.Bill{Amount: 1, Currency: money.CNY, Merchant: "10000001"}, Slot: 1,
		PIN: must(applet.ParsePIN("4711")), Phone: "8613800000001", Time: time.Unix(1_800_000_000, 0), Transaction: 1,
	})
	if err != nil {
		return errDead
	}
	return n.say(c, payload)
}

// ask sends the element a message, which it answers; to KEYS it says KEYED.
func (n *network) ask(c chip, m, answer applet.Message) error {
	packet := n.packet(m)
	if _, err := c.element.Open(packet); err != nil {
		if errors.Is(err, se.ErrRefused) || errors.Is(err, se.ErrReplay) || errors.Is(err, se.ErrKeys) {
			return fmt.Errorf("%s under version %d: %w", m.Type(), n.uses, err)
		}
		return errDead
	}
	if answer == nil {
		answer = &applet.Keyed{Version: c.element.KeyVersion()}
	}
	if err := n.say(c, applet.Encode(n.suite, answer)); err != nil {
		return err
	}
	n.past = append(n.past, packet)
	return nil
}

// A real element over this memory, on a machine that stops at every step: the platform
// never meets a packet counter or a PIN key twice, the element never opens a packet
// again that it has answered, and the two always have keys in common.
func TestElementStopsAtEveryStep(t *testing.T) {
	suites := []scp80.Suite{scp80.Modern}
	if !fips140.Enforced() {
		suites = append(suites, scp80.Legacy)
	}
	for _, suite := range suites {
		for first := range 60 {
			n := newNetwork(suite)
			n.pers.Cards = []applet.CardEntry{n.card()}
			d := newCrashDisk()
			d.steps, d.torn = first, first%9
			for life := range 4 {
				err := n.live(d)
				if err != nil && !errors.Is(err, errDead) {
					t.Fatalf("%v, stopped at step %d, life %d: %v", suite, first, life, err)
				}
				d = d.reboot([]int{first % 7, first % 13, -1}[min(life, 2)], (first+life)%9)
			}
			if n.mo == 0 || n.pin == 0 || n.uses < 4 {
				t.Fatalf("%v: nothing happened: %+v", suite, n)
			}
		}
	}
}

func (n *network) live(d disk) error {
	c, err := n.power(d)
	if err != nil {
		return err
	}
	c.memory.slack = 500
	for what := range 16 {
		if err := n.act(c, what); err != nil {
			return err
		}
	}
	return nil
}
