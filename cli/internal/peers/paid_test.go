package peers

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	wires "github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// Somebody who pays, with one card.
const (
	payerPhone = "8613800000001"
	payerCard  = "6212340000000019"
	payerID    = "11010519900307123X"
	flight     = "flight-ca1405"
)

// captured is what a network left behind in which one order was paid.
type captured struct {
	element applet.ElementID
	order   merchant.Order
	masters map[string][]byte // of its vault, by slot: kic/modern/1
	packets [][]byte          // that the handset sent, as the carrier took them

	mu sync.Mutex
}

// payOnce has a whole network, in which somebody pays one order with an element of the suite.
func payOnce(t *testing.T, suite scp80.Suite, smppAddress string) *captured {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got := new(captured)
	vault := got.vault(t)
	store, err := world.OpenStore(ctx, wires.TCP{}, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w, err := world.New(ctx, world.Config{
		Network: wires.TCP{}, Store: store, Seed: 1, ShopName: "Sky Travel", Vault: vault, Suite: suite, SMPP: smppAddress,
		Pace: persona.Pace{Read: 10 * time.Millisecond, Type: 10 * time.Millisecond}, Watch: world.Watch{Carrier: got.note},
		People: []world.Person{{
			Name: "Li Na", Phone: payerPhone, Form: "sim", Persona: "pays", PIN: "736482", ID: payerID,
			Cards: []world.BankCard{{Alias: "Blue", PAN: payerCard, Balance: 5_000_00, Currency: "CNY"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Run(ctx, func(ctx context.Context) error { return got.buy(ctx, w) }); err != nil {
		t.Fatal(err)
	}
	return got
}

// buy places the order and waits for its end.
func (c *captured) buy(ctx context.Context, w *world.World) error {
	phones, err := w.Office.Phones(ctx)
	if err != nil {
		return err
	}
	c.element = phones[0].ElementID
	placed, err := w.Merchant.Shop.Place(ctx, merchant.Request{Item: flight, Phone: payerPhone})
	if err != nil {
		return err
	}
	c.order, err = w.Merchant.Shop.Await(ctx, placed.ID, func(o merchant.Order) bool { return !o.Status.Open() })
	if err == nil && c.order.Status != merchant.Paid {
		err = fmt.Errorf("the order ended as %s: %s", c.order.Status, c.order.Reason)
	}
	return err
}

// note keeps what the handset says to the platform.
func (c *captured) note(e smsc.Event) {
	if e.Kind != gateway.MessageAccepted || e.Message.Source != payerPhone || e.Message.Destination != world.PlatformAddress {
		return
	}
	m := e.Message
	s, err := tpdu.ParseSegment(m.ProtocolID, m.DataCoding, m.ESMClass&smpp.ESMUDHI != 0, bytes.Clone(m.UserData))
	if err != nil {
		return
	}
	if secured, ok := tpdu.ReadSecured(s); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.packets = append(c.packets, secured.Packet)
	}
}

// vault makes a vault and takes its master keys out of its file, as no program can but
// one that may read it.
func (c *captured) vault(t *testing.T) *keys.Vault {
	t.Helper()
	v, err := keys.Generate(world.NewRandom(1, 77))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vault.json")
	if err := v.Save(path, keys.Lock{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Keys map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	c.masters = make(map[string][]byte)
	for slot, digits := range file.Keys {
		if c.masters[slot], err = hex.DecodeString(digits); err != nil {
			t.Fatalf("the vault's key %s is no hexadecimal", slot)
		}
	}
	return v
}

// master is a master key of the vault.
func (c *captured) master(t *testing.T, slot string) []byte {
	t.Helper()
	key, ok := c.masters[slot]
	if !ok {
		t.Fatalf("no master key %s in the vault", slot)
	}
	return key
}
