package billing

import (
	"context"
	"crypto/hpke"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// The canaries: what must not be seen outside the vault and the element.
const (
	thePIN      = "739158264017"
	theIdentity = "11010519900307123X"
	theName     = "Li Na"
)

// handset is a phone with its element and card, as far as its messages go.
type handset struct {
	phone   gateway.MSISDN
	element applet.ElementID
	key     hpke.PrivateKey
	random  *rand.ChaCha8
	cards   []bankCard
	pans    []string

	pers     applet.Personalisation
	suite    scp80.Suite // zero is modern
	version  uint8       // of the packet keys
	mo, mt   *scp80.Channel
	pins     *applet.PINKeys
	sent     uint64
	received uint64
	trades   uint64
}

type bankCard struct {
	balance  money.Amount
	currency money.Currency
}

// handset makes a phone without enrolling it.
func newHandset(number int, cards ...bankCard) *handset {
	h := &handset{
		phone:   gateway.MSISDN(fmt.Sprintf("86138000%05d", number)),
		element: applet.ElementID(fmt.Sprintf("8986011234567890%04d", number)),
		random:  rand.NewChaCha8([32]byte{3, byte(number)}),
		cards:   cards,
	}
	h.key = must(applet.NewKeyPair(h.random))
	for i := range cards {
		digits := fmt.Sprintf("62129999%04d%03d", number, i+1)
		h.pans = append(h.pans, digits+string(rune(applet.LuhnDigit(digits))))
	}
	return h
}

func (h *handset) enrolment(b *bank) platform.Enrolment {
	secrets := applet.EnrolmentSecrets{
		PIN: must(applet.ParsePIN(thePIN)), Identity: must(applet.ParseIdentity(applet.ResidentID, theIdentity)),
	}
	e := platform.Enrolment{
		Phone: h.phone, Name: theName, Form: "sim", Suite: h.suite, ElementID: h.element, PublicKey: h.key.PublicKey().Bytes(),
	}
	for i, c := range h.cards {
		secrets.Cards = append(secrets.Cards, applet.CardSecrets{PAN: must(applet.ParsePAN(h.pans[i])), Expiry: 3112, Alias: fmt.Sprintf("Card %d", i+1)})
		e.Accounts = append(e.Accounts, platform.Opening{Balance: c.balance, Currency: c.currency})
	}
	e.Secrets = must(applet.SealEnrolment(b.service.BranchKey(), secrets))
	return e
}

// enrol opens mobile payment for the phone and personalises its element.
func (h *handset) enrol(b *bank) *handset {
	b.t.Helper()
	sealed, err := b.service.Enrol(context.Background(), h.enrolment(b))
	if err != nil {
		b.t.Fatal(err)
	}
	h.pers = must(applet.OpenPersonalisation(h.key, sealed))
	h.use(h.pers.Version, h.pers.MO, h.pers.MT)
	h.pins = must(applet.NewPINKeys(h.pers.Suite, h.pers.Initial, h.pers.KeyID))
	return h
}

// use makes the element use packet keys of a version.
func (h *handset) use(version uint8, mo, mt scp80.Keys) {
	h.version = version
	h.mo = must(scp80.NewChannel(h.pers.Suite.Profile(scp80.MO, version), mo))
	h.mt = must(scp80.NewChannel(h.pers.Suite.Profile(scp80.MT, version), mt))
}

// payer is an enrolled phone with a card of 5,000.00 and one of 50.00.
func (b *bank) payer(number int) *handset {
	b.t.Helper()
	return newHandset(number, bankCard{500000, "CNY"}, bankCard{5000, "CNY"}, bankCard{90000, "USD"}).enrol(b)
}

// wrap secures a payload under the next counter.
func (h *handset) wrap(payload []byte) Message {
	h.sent++
	return Message{Phone: h.phone, Packet: must(h.mo.Wrap(h.sent, payload))}
}

// send hands a packet to the phone's partition.
func (h *handset) send(b *bank, m Message) Outcome {
	b.t.Helper()
	return b.do(b.service.PhonePartition(m.Phone), m).(Outcome)
}

// say wraps a message and sends it.
func (h *handset) say(b *bank, m applet.Message) Outcome {
	b.t.Helper()
	return h.send(b, h.wrap(applet.Encode(h.pers.Suite, m)))
}

func (h *handset) open(id platform.BillID, s applet.OpenStatus) applet.Message {
	return &applet.Open{Ref: id.Ref(), Status: s, Time: time.Now(), Slots: 3, Version: 1}
}

func (h *handset) refuse(id platform.BillID) applet.Message {
	return &applet.Refuse{Ref: id.Ref(), Reason: applet.RefuseNotMine, Time: time.Now(), Text: "not mine"}
}

func (h *handset) shown(id platform.BillID) applet.Message {
	return &applet.Receipt{Ref: id.Ref(), Time: time.Now()}
}

// payAs is how a payment is made.
type payAs struct {
	slot   int
	pin    string
	change func(*applet.Pay)
}

func withPIN(pin string) func(*payAs) { return func(p *payAs) { p.pin = pin } }

func withCard(slot int) func(*payAs) { return func(p *payAs) { p.slot = slot } }

func changed(f func(*applet.Pay)) func(*payAs) { return func(p *payAs) { p.change = f } }

// pay makes a PAY for a bill with the first card and the right PIN, or as told.
func (h *handset) pay(b *bank, id platform.BillID, how ...func(*payAs)) *applet.Pay {
	b.t.Helper()
	as := payAs{slot: 1, pin: thePIN, change: func(*applet.Pay) {}}
	for _, f := range how {
		f(&as)
	}
	made, err := b.service.find(context.Background(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	p := h.paying(Open{ID: id, Merchant: made.Merchant, Order: platform.Order{Amount: made.Amount, Currency: made.Currency}}, as.slot)
	card := h.pers.Cards[as.slot-1]
	if as.pin != thePIN {
		p.PINCounter, p.PINBlock = h.block(card.Token, as.pin)
	}
	as.change(p)
	return p
}

// paying makes the right PAY for an order with one of the cards.
func (h *handset) paying(in Open, slot int) *applet.Pay {
	card := h.pers.Cards[slot-1]
	h.trades++
	p := &applet.Pay{
		Ref: in.ID.Ref(), Amount: in.Order.Amount, Currency: in.Order.Currency, Time: time.Now(), Phone: h.phone,
		Identity: h.pers.Identity, Blob: card.Blob,
		Payee: applet.MerchantNumber(in.Merchant), Transaction: applet.TransactionNumber(h.trades),
	}
	p.PINCounter, p.PINBlock = h.block(card.Token, thePIN)
	return p
}

func (h *handset) block(token applet.TokenPAN, pin string) (uint32, applet.PINBlock) {
	counter, key, err := h.pins.Next()
	if err != nil {
		panic(err)
	}
	return counter, must(applet.SealPIN(h.pers.Suite, key, must(applet.ParsePIN(pin)), token, h.random))
}

// receive opens what an effect sends to the phone, as its element would.
func (h *handset) receive(b *bank, d due) applet.Message {
	b.t.Helper()
	m := b.opened(d)
	if m.Keys != 0 {
		m.Payload = applet.Encode(m.Suite, &applet.Keys{Version: m.Keys, Wrapped: must(b.config.Vault.Rekey(m.Binding(), m.Keys))})
	}
	counter, payload, err := h.mt.Open(must(b.config.Vault.WrapMT(m.Binding(), m.Counter, m.Payload)))
	if err != nil || counter <= h.received {
		b.t.Fatalf("the element refuses packet %d after %d: %v", counter, h.received, err)
	}
	h.received = counter
	return must(applet.Decode(h.pers.Suite, payload))
}
