package billing

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// batchOf lets one batch take several inputs, as the engine does under load.
func (b *bank) batchOf(inputs ...any) {
	b.t.Helper()
	for _, in := range inputs {
		b.wake(b.parts[0], func(w *want) { w.input(in) })
	}
	b.seqs[0]++
	_, batch, err := engine.Decide(several{b.parts[0]}, 0, b.seqs[0], time.Now(), inputs)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.store.Partition(0).Apply(batch); err != nil {
		b.t.Fatal(err)
	}
	b.check(0)
}

// several is an actor that handles a list of inputs in one batch.
type several struct{ *Partition }

func (s several) Handle(tx *engine.Tx, in any) (any, error) {
	for _, one := range in.([]any) {
		if _, err := s.Partition.Handle(tx, one); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// The story of a bill is whole: across batches, several steps in one batch, restarts, and when it is filed.
func TestStoryIsWhole(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		made, another := b.order(h), b.order(h)
		b.take(EffectPush)
		poor, pay := h.pay(b, made.ID, withCard(2)), h.pay(b, made.ID)
		b.batchOf(
			Submitted{Bill: another.ID, MessageID: "B"},
			Submitted{Bill: made.ID, MessageID: "A"},
			Receipt{Phone: h.phone, MessageID: "A", State: gateway.Delivered},
			h.wrap(applet.Encode(scp80.Modern, h.open(another.ID, applet.Opened))),
			h.wrap(applet.Encode(scp80.Modern, h.open(made.ID, applet.Deferred))),
		)
		b.restart()
		b.batchOf(h.wrap(applet.Encode(scp80.Modern, poor)), h.wrap(applet.Encode(scp80.Modern, h.refuse(another.ID))))
		b.restart()
		h.say(b, pay)
		h.say(b, h.shown(made.ID))
		b.dues()
		b.sweepHome()
		outcome(b, made.ID, failed)
		b.restart()
		b.pass(5 * time.Second)
		outcome(b, made.ID, Reported{Status: 200})
		want := []string{
			"create -created order push", "push created-pushed carrier", "deliver pushed-delivered receipt", "defer delivered-deferred phone",
			"open deferred-opened phone", "decline opened-opened phone result", "pay opened-paid phone result 2", "receipt paid-paid phone",
			"settle paid-settled ledger", "report settled-settled ledger callback", "report_failed settled-settled merchant",
			"report settled-settled clock callback", "acknowledge settled-settled merchant",
		}
		if diff := cmp.Diff(want, storyOf(t, b, made.ID)); diff != "" {
			t.Error(diff)
		}
		b.pass(time.Minute)
		if _, live := b.parts[0].bills[made.ID.Ref()]; live {
			t.Fatal("the bill was not filed")
		}
		if diff := cmp.Diff(want, storyOf(t, b, made.ID)); diff != "" {
			t.Errorf("after it was filed:\n%s", diff)
		}
		other := storyOf(t, b, another.ID)
		if diff := cmp.Diff([]string{
			"create -created order push", "push created-pushed carrier", "deliver pushed-delivered phone",
			"open delivered-opened phone", "refuse opened-refused phone", "report refused-refused phone callback",
		}, other[:6]); diff != "" {
			t.Errorf("the other bill:\n%s", diff)
		}
	})
}

func storyOf(t *testing.T, b *bank, id platform.BillID) []string {
	t.Helper()
	events, err := b.service.Events(t.Context(), theShop, id)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range events {
		line := fmt.Sprintf("%s %s-%s %s", e.Name, e.From, e.To, e.Cause)
		for _, kind := range e.Effects {
			line += " " + kind
		}
		if len(e.Postings) > 0 {
			line += fmt.Sprintf(" %d", len(e.Postings))
		}
		if e.At.IsZero() || e.Entry == "" {
			t.Errorf("%s says neither when nor where", line)
		}
		lines = append(lines, line)
	}
	return lines
}

// A journal that says an entry comes before itself is an error, not a loop.
func TestStoryThatGoesInACircle(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		id := b.bring(b.payer(1), bill.Created)
		entries := b.store.Partition(0).Entries
		last := &entries[len(entries)-1]
		last.Events[0].Prev = last.ID
		if _, err := b.service.Events(t.Context(), theShop, id); err == nil || !strings.Contains(err.Error(), "before itself") {
			t.Error(err)
		}
	})
}

// wire.md 2.6: nothing that is staged, sent, logged or answered holds a PIN, a card
// number, an identity number or a key, in clear, hex or base64.
func TestNoSecretLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 1)
		h := b.payer(1)
		keep := recorder{bank: b}
		b.service = must(NewService(b.config, &keep, b.store))
		other := newHandset(2, bankCard{1, "CNY"}).enrol(b)
		for _, s := range bill.States() {
			if s != bill.Failed { // it would lock the card
				keep.playSecret(h, other, s)
			}
		}
		b.bring(h, bill.Failed)
		keep.errors(t, h)
		text := keep.all()
		if len(text) < 50_000 {
			t.Fatalf("only %d octets to look through", len(text))
		}
		for name, secret := range secretsOf(b, h) {
			for form, look := range map[string]string{
				"clear": string(secret), "hex": hex.EncodeToString(secret), "base64": strings.TrimRight(base64.StdEncoding.EncodeToString(secret), "="),
				"a list": strings.Trim(strings.ReplaceAll(fmt.Sprint(secret), " ", ","), "[]"),
			} {
				if at := strings.Index(strings.ToLower(text), strings.ToLower(look)); at >= 0 {
					t.Errorf("%s in %s: ...%s...", name, form, text[max(0, at-80):min(len(text), at+80)])
				}
			}
		}
	})
}

// secretsOf are the canaries.
func secretsOf(b *bank, h *handset) map[string][]byte {
	all := map[string][]byte{
		"PIN": []byte(thePIN), "identity number": []byte(theIdentity), "identity digits": []byte(theIdentity[:17]),
		"KIc MO": h.pers.MO.KIc.Reveal(), "KID MO": h.pers.MO.KID.Reveal(), "KIc MT": h.pers.MT.KIc.Reveal(), "KID MT": h.pers.MT.KID.Reveal(),
		"initial key": h.pers.Initial.Reveal(), "card-data key": h.pers.CardData.Reveal(),
		"API key": []byte(b.shop.APIKey), "webhook secret": []byte(b.shop.WebhookSecret), "webhook key": []byte(strings.TrimPrefix(b.shop.WebhookSecret, "whsec_")),
	}
	for i, pan := range h.pans {
		all[fmt.Sprint("card ", i+1)] = []byte(pan)
	}
	return all
}

// recorder keeps what passes through the bank as text.
type recorder struct {
	*bank
	text strings.Builder
}

func (k *recorder) note(v any) { fmt.Fprintf(&k.text, "%s\n", encode(v)) }

// playSecret brings a bill into a state, with its answers, and sends forged and mistaken packets besides.
func (k *recorder) playSecret(h, other *handset, s fsm.State) {
	id := k.bring(h, s)
	pay := h.pay(k.bank, id, withPIN("739159"))
	outcomes := []Outcome{
		h.say(k.bank, pay), h.say(k.bank, pay), h.say(k.bank, h.pay(k.bank, id)), h.send(k.bank, Message{Phone: h.phone, Packet: []byte(thePIN)}),
		other.say(k.bank, other.pay(k.bank, id)),
	}
	k.note(outcomes)
	k.note(k.effects)
	k.note(must(k.service.find(k.t.(*testing.T).Context(), id)))
	k.note(must(k.service.Events(k.t.(*testing.T).Context(), theShop, id)))
}

// errors provokes refusals that a secret could slip into.
func (k *recorder) errors(t *testing.T, h *handset) {
	for _, change := range []func(*platform.Enrolment){
		func(e *platform.Enrolment) { e.PublicKey = []byte(thePIN) }, func(e *platform.Enrolment) { e.Accounts = nil },
		func(e *platform.Enrolment) { e.Secrets = e.Secrets[:40] }, func(e *platform.Enrolment) { e.Phone = "8613800000078" },
		func(e *platform.Enrolment) { e.Form = "" },
	} {
		e := h.enrolment(k.bank)
		change(&e)
		if _, err := k.service.Enrol(t.Context(), e); err != nil {
			fmt.Fprintf(&k.text, "%v %+v %#v\n", err, err, err)
		}
	}
	_, err := k.service.Authenticate(t.Context(), k.shop.APIKey+"x")
	fmt.Fprintln(&k.text, err)
	fmt.Fprintf(&k.text, "%+v %v\n", k.phone(h).Register, k.config.Vault)
}

// all is everything that was kept, staged, answered and logged.
func (k *recorder) all() string {
	p := k.store.Partition(0)
	k.note(p.Records)
	k.note(p.Hashes)
	for _, entry := range p.Entries {
		for _, e := range entry.Events {
			k.note(e.Data)
			for _, effect := range e.Effects {
				k.note(effect)
				var m PhoneMessage
				if json.Unmarshal(effect.Body, &m) == nil {
					fmt.Fprintf(&k.text, "%s %x\n", m.Payload, m.Payload)
				}
			}
		}
	}
	return k.text.String() + k.logs.String()
}
