package world_test

import (
	"context"
	"crypto/hpke"
	"crypto/rand"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// glass is a secure element that can be looked into and made to say anything: made
// from the contracts alone, and driven by hand. Its phone is one of the fleet's without
// an element, which takes what comes and does nothing; what it says goes into the
// carrier by a guest's bind.
type glass struct {
	r      *rig
	number gateway.MSISDN
	person world.Person
	id     applet.ElementID
	key    hpke.PrivateKey
	inside applet.Personalisation
	pins   *applet.PINKeys
	sent   uint64 // packet counter used last
	guest  *esme.Client
}

// glassID is the number of the glass element: no phone of the fleet has it.
const glassID applet.ElementID = "89860000000000000424"

// glass enrols a person whose element is of glass.
func (r *rig) glass(p world.Person) *glass {
	r.t.Helper()
	_, err := r.Phones.Add(r.ctx, fleet.NewPhone{MSISDN: p.Phone, Form: "none"})
	r.ok(err)
	key, err := applet.NewKeyPair(rand.Reader)
	r.ok(err)
	g := &glass{r: r, number: p.Phone, person: p, id: glassID, key: key, guest: r.guest(nil)}
	enrolled, err := r.Office.Enrol(r.ctx, g.enrolment())
	r.ok(err)
	g.inside, err = applet.OpenPersonalisation(key, enrolled.Personalisation)
	r.ok(err)
	g.pins, err = applet.NewPINKeys(g.r.suite, g.inside.Initial, g.inside.KeyID)
	r.ok(err)
	return g
}

// enrolment is what the branch sends for the person.
func (g *glass) enrolment() api.Enrolment {
	g.r.t.Helper()
	e := api.Enrolment{
		Phone: g.number, Name: g.person.Name, Form: g.person.Form, Suite: g.r.suite.String(),
		ElementID: g.id, PublicKey: g.key.PublicKey().Bytes(), Secrets: g.r.sealed(g.person),
	}
	for _, c := range g.person.Cards {
		e.Accounts = append(e.Accounts, api.Opening{Balance: c.Balance, Currency: c.Currency})
	}
	return e
}

// sealed is what a person tells the branch, sealed to it.
func (r *rig) sealed(p world.Person) applet.Sealed {
	r.t.Helper()
	var s applet.EnrolmentSecrets
	var err error
	s.PIN, err = applet.ParsePIN(p.PIN)
	r.ok(err)
	s.Identity, err = applet.ParseIdentity(applet.ResidentID, p.ID)
	r.ok(err)
	for _, c := range p.Cards {
		number, err := applet.ParsePAN(c.PAN)
		r.ok(err)
		s.Cards = append(s.Cards, applet.CardSecrets{PAN: number, Expiry: 3012, Alias: c.Alias})
	}
	branch, err := r.Office.BranchKey(r.ctx)
	r.ok(err)
	sealed, err := applet.SealEnrolment(branch, s)
	r.ok(err)
	return sealed
}

// guest binds an outsider to the carrier.
func (r *rig) guest(deliver func(*smpp.DeliverSM, func(smpp.Status))) *esme.Client {
	r.t.Helper()
	account := r.Ready().ESMEs[0]
	ctx, stop := context.WithCancel(r.ctx)
	client, err := esme.New(esme.Config{
		Dial:     func(ctx context.Context) (net.Conn, error) { return r.net.Dial(ctx, r.Gateway.Address()) },
		SystemID: account.SystemID, Password: account.Password, Deliver: deliver,
	})
	r.ok(err)
	ended := make(chan error, 1)
	go func() { ended <- client.Run(ctx) }()
	r.onEnd(func() {
		stop()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
	})
	r.ok(client.WaitBound(r.ctx))
	return client
}

// bill waits for a bill to come to the glass element and opens it.
func (g *glass) bill(id platform.BillID) *applet.Bill {
	g.r.t.Helper()
	var found *applet.Bill
	g.r.until("bill "+string(id)+" to come to the element", func() bool {
		for _, s := range of[*applet.Bill](g.r.heard(g.number)) {
			if s.message.Reference() == id.Ref() {
				found = s.message.(*applet.Bill)
			}
		}
		return found != nil
	})
	return found
}

// pay makes the payment that a bill asks for.
func (g *glass) pay(b *applet.Bill, slot int, pin string) *applet.Pay {
	g.r.t.Helper()
	i := slices.IndexFunc(g.inside.Cards, func(c applet.CardEntry) bool { return c.Slot == slot })
	counter, key, err := g.pins.Next()
	g.r.ok(err)
	typed, err := applet.ParsePIN(pin)
	g.r.ok(err)
	block, err := applet.SealPIN(g.r.suite, key, typed, g.inside.Cards[i].Token, rand.Reader)
	g.r.ok(err)
	return &applet.Pay{
		Ref: b.Ref, Amount: b.Amount, Currency: b.Currency, Time: time.Now(), Phone: g.number,
		Identity: g.inside.Identity, Blob: g.inside.Cards[i].Blob, PINCounter: counter, PINBlock: block,
		Payee: b.Merchant, Transaction: applet.TransactionNumber(counter),
	}
}

// wrap secures a message under the next packet counter.
func (g *glass) wrap(m applet.Message) []byte {
	g.r.t.Helper()
	g.sent++
	return g.wrapAt(g.sent, applet.Encode(g.r.suite, m))
}

func (g *glass) wrapAt(counter uint64, payload []byte) []byte {
	g.r.t.Helper()
	packet, err := scp80.Wrap(g.r.suite.Profile(scp80.MO, 1), g.inside.MO, counter, payload)
	g.r.ok(err)
	return packet
}

// say sends a message to the platform.
func (g *glass) say(m applet.Message) {
	g.r.t.Helper()
	g.send(g.wrap(m))
}

// send sends a packet to the platform and waits until the platform has taken it.
func (g *glass) send(packets ...[]byte) {
	g.r.t.Helper()
	g.sendAs(g.number, packets...)
}

// sendAs says that the packets come from another number.
func (g *glass) sendAs(from gateway.MSISDN, packets ...[]byte) {
	g.r.t.Helper()
	before := g.r.taken(from)
	for _, packet := range packets {
		segments, err := tpdu.FromSIM(packet, tpdu.Reference{Number: uint16(g.sent)})
		g.r.ok(err)
		for _, segment := range segments {
			g.r.ok(submit(g.r.ctx, g.guest, from, world.PlatformAddress, segment))
		}
	}
	g.r.until("the platform to take what was sent", func() bool { return g.r.taken(from) >= before+len(packets) })
}

// submit sends one short message from any number to any other.
func submit(ctx context.Context, by *esme.Client, from gateway.MSISDN, to string, segment tpdu.Segment) error {
	ud, err := segment.UserData()
	if err != nil {
		return err
	}
	sm := &smpp.SubmitSM{
		Source:      smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: string(from)},
		Destination: smpp.Address{Digits: to}, ProtocolID: segment.Protocol, DataCoding: segment.Coding, ShortMessage: ud,
	}
	if segment.Indication() {
		sm.ESMClass = smpp.ESMUDHI
	}
	for {
		_, err := by.Submit(ctx, sm)
		var refused *smpp.StatusError
		if errors.As(err, &refused) && refused.Status == smpp.RTHROTTLED {
			continue
		}
		return err
	}
}

// resubmit sends a message that was seen once more, in the same octets.
func resubmit(r *rig, by *esme.Client, h *hop) error {
	_, err := by.Submit(r.ctx, &smpp.SubmitSM{
		Source: smpp.Address{Digits: string(h.Source)}, Destination: smpp.Address{Digits: string(h.Destination)},
		ESMClass: h.ESMClass, ProtocolID: h.ProtocolID, DataCoding: h.DataCoding, ShortMessage: h.UserData,
	})
	return err
}
