package peers

import (
	"context"
	"errors"
	"testing"
	"time"

	wires "github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
)

// An SMPP client that nobody here wrote binds as a guest to the carrier of a whole
// network, sends a text to a handset, gets its receipt, and receives what the handset
// sends to its number.
func TestGuestOfANetwork(t *testing.T) {
	Want(t, "node", "npm")
	const handset, number = "8613900000002", "2001"
	ctx := t.Context()
	store, err := world.OpenStore(ctx, wires.TCP{}, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w, err := world.New(ctx, world.Config{
		Network: wires.TCP{}, Store: store, Seed: 1, ShopName: "Sky Travel",
		People: []world.Person{{Name: "Wang Wei", Phone: handset, Persona: "manual"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(ctx, func(ctx context.Context) error {
		r := w.Ready()
		client := NodeSMPP.Bind(t, ESMEConfig{Addr: r.SMPP, SystemID: r.ESMEs[0].SystemID, Password: r.ESMEs[0].Password, Number: number})
		id := client.Submit(handset, "Your table is ready")
		if receipt := client.Await("receipt"); receipt.ID != id || receipt.Stat != "DELIVRD" {
			t.Errorf("receipt %+v, want id %s, DELIVRD", receipt, id)
		}
		if err := inboxHas(ctx, w.Phones, handset, "Your table is ready"); err != nil {
			return err
		}
		if _, err := w.Phones.SendText(ctx, handset, fleet.Text{To: number, Text: "On my way"}); err != nil {
			return err
		}
		if m := client.Await("message"); m.Text != "On my way" || m.From != handset || m.To != number {
			t.Errorf("message %+v", m)
		}
		client.Unbind()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// inboxHas waits until a text is in a phone's inbox: the receipt may overtake it there.
func inboxHas(ctx context.Context, phones *fleet.Client, number, text string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		messages, err := phones.Inbox(ctx, gateway.MSISDN(number))
		if err != nil {
			return err
		}
		for _, m := range messages {
			if m.Text == text && m.From == "2001" {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("the text never came to the inbox")
		}
	}
}
