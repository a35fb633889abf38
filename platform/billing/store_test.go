package billing

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
)

// shaky is a store of which one read fails.
type shaky struct {
	engine.Store
	reads, at int
}

var errAway = errors.New("connection reset")

func (s *shaky) Read(p engine.Partition) engine.Reader { return shakyReader{s.Store.Read(p), s} }

type shakyReader struct {
	engine.Reader
	s *shaky
}

func read[V any](r shakyReader, v V, err error) (V, error) {
	var none V
	if r.s.reads++; r.s.reads == r.s.at {
		return none, errAway
	}
	return v, err
}

func (r shakyReader) Get(ctx context.Context, keys ...string) ([]string, error) {
	v, err := r.Reader.Get(ctx, keys...)
	return read(r, v, err)
}

func (r shakyReader) Field(ctx context.Context, hash, field string) (string, bool, error) {
	v, ok, err := r.Reader.Field(ctx, hash, field)
	_, failed := read(r, v, err)
	return v, ok, failed
}

func (r shakyReader) Pick(ctx context.Context, hash string, fields ...string) ([]string, error) {
	v, err := r.Reader.Pick(ctx, hash, fields...)
	return read(r, v, err)
}

func (r shakyReader) Fields(ctx context.Context, hash string) (map[string]string, error) {
	v, err := r.Reader.Fields(ctx, hash)
	return read(r, v, err)
}

func (r shakyReader) Members(ctx context.Context, set string, q engine.Range) ([]string, error) {
	v, err := r.Reader.Members(ctx, set, q)
	return read(r, v, err)
}

func (r shakyReader) Journal(ctx context.Context, from, to string, limit int) ([]engine.Entry, error) {
	v, err := r.Reader.Journal(ctx, from, to, limit)
	return read(r, v, err)
}

// Whichever read fails, the caller is told to try again, and nothing is half done.
func TestStoreIsAway(t *testing.T) {
	calls := map[string]func(ctx context.Context, b *bank, h *handset, live, filed platform.BillID) error{
		"load": func(ctx context.Context, b *bank, _ *handset, _, _ platform.BillID) error {
			return must(New(b.config, 0)).Load(ctx, b.service.store.Read(0))
		},
		"create": func(ctx context.Context, b *bank, h *handset, _, _ platform.BillID) error {
			_, err := b.service.CreateBill(ctx, theShop, orderFor(h, "new", "key"))
			return err
		},
		"create again": func(ctx context.Context, b *bank, h *handset, _, _ platform.BillID) error {
			_, err := b.service.CreateBill(ctx, theShop, orderFor(h, "first", ""))
			return err
		},
		"show": func(ctx context.Context, b *bank, _ *handset, _, filed platform.BillID) error {
			_, err := b.service.Bill(ctx, theShop, filed)
			return err
		},
		"cancel": func(ctx context.Context, b *bank, _ *handset, live, _ platform.BillID) error {
			_, err := b.service.CancelBill(ctx, theShop, live)
			return err
		},
		"events": func(ctx context.Context, b *bank, _ *handset, live, _ platform.BillID) error {
			_, err := b.service.Events(ctx, theShop, live)
			return err
		},
		"list": func(ctx context.Context, b *bank, _ *handset, _, _ platform.BillID) error {
			_, err := b.service.Bills(ctx, theShop, platform.Query{})
			return err
		},
		"list by reference": func(ctx context.Context, b *bank, _ *handset, _, _ platform.BillID) error {
			_, err := b.service.Bills(ctx, theShop, platform.Query{Reference: "first"})
			return err
		},
		"phones": func(ctx context.Context, b *bank, _ *handset, _, _ platform.BillID) error {
			_, err := b.service.Phones(ctx)
			return err
		},
		"merchants": func(ctx context.Context, b *bank, _ *handset, _, _ platform.BillID) error {
			_, err := b.service.Merchants(ctx)
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				made := must(b.service.CreateBill(t.Context(), theShop, orderFor(h, "first", "")))
				filed := b.bring(h, bill.Refused)
				outcome(b, filed, Reported{Status: 204})
				b.pass(time.Minute)
				for at := 1; ; at++ {
					s := &shaky{Store: b.store, at: at}
					b.service = must(NewService(b.config, b, s))
					err := call(t.Context(), b, h, made.ID, filed)
					if s.reads < at { // this time all went well
						if err != nil || at == 1 {
							t.Errorf("%d reads, %v", s.reads, err)
						}
						return
					}
					code := codeOf(err)
					known := code == string(platform.CodeUnavailable) || code == string(platform.CodeUnknownOutcome)
					if !errors.Is(err, errAway) && code != string(platform.CodeUnknownOutcome) || !known && name != "load" {
						t.Errorf("read %d fails: %v", at, err)
					}
				}
			})
		})
	}
}

// A store that is not as it was left does not load; the error says where to look.
func TestLoadOfWhatCannotBe(t *testing.T) {
	tests := map[string]struct {
		spoil func(b *bank, id platform.BillID)
		want  string
	}{
		"a balance in words":    {func(b *bank, _ platform.BillID) { b.field("balances", "bank:CNY", "much") }, "balance of bank:CNY"},
		"a book that is off":    {func(b *bank, _ platform.BillID) { b.field("balances", "bank:CNY", "7") }, "CNY is off by"},
		"a merchant":            {func(b *bank, _ platform.BillID) { b.field("merchants", "10000001", "7") }, "merchants 10000001"},
		"a sweep":               {func(b *bank, _ platform.BillID) { b.field("sweeps", "sub:a:CNY", `"x"`) }, "sweeps sub:a:CNY"},
		"a sweep taken in":      {func(b *bank, _ platform.BillID) { b.field("swept", "0:a:CNY", "-1") }, "swept 0:a:CNY"},
		"a deadline of nothing": {func(b *bank, _ platform.BillID) { b.store.Partition(0).Sets[engine.DueSet]["other"] = 1 }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				id := b.bring(b.payer(1), bill.Opened)
				tt.spoil(b, id)
				err := must(New(b.config, 0)).Load(t.Context(), b.store.Read(0))
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "load partition")) {
					t.Errorf("%v, want it to say %q", err, tt.want)
				}
			})
		})
	}
}

// What is not as it was left is found when an input is about it: that one is refused, and
// the error says where to look. Others go on.
func TestWakeOfWhatCannotBe(t *testing.T) {
	tests := map[string]struct {
		spoil func(b *bank, id platform.BillID)
		want  string
	}{
		"a phone":              {func(b *bank, _ platform.BillID) { b.field("phones", b.phoneID(1), "{") }, "phones "},
		"counters":             {func(b *bank, _ platform.BillID) { b.field("counters", b.phoneID(1), "[]") }, "counters"},
		"a record":             {func(b *bank, id platform.BillID) { b.store.Partition(0).Records[recordKey(id)] = "{" }, "bill:bill_"},
		"a record gone":        {func(b *bank, id platform.BillID) { delete(b.store.Partition(0).Records, recordKey(id)) }, "bill:bill_"},
		"a phone of a bill":    {func(b *bank, _ platform.BillID) { delete(b.store.Partition(0).Hashes["phones"], b.phoneID(1)) }, "not enrolled here"},
		"a number not sealed":  {func(b *bank, _ platform.BillID) { b.field("phones", b.phoneID(1), `{"msisdn":"8613800000009"}`) }, "open a phone"},
		"a packet in no place": {func(b *bank, _ platform.BillID) { b.field("recent", b.phoneID(1)+":16", "{}") }, ""},
		"a packet in no form":  {func(b *bank, _ platform.BillID) { b.field("recent", b.phoneID(1)+":03", `{"packet":"12"}`) }, "recent "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bank) {
				h := b.payer(1)
				id, other := b.bring(h, bill.Opened), b.bring(b.payer(2), bill.Opened)
				tt.spoil(b, id)
				b.strict = false
				b.restart()
				for _, in := range []any{FindPhone{Phone: h.phone}, Cancel{Merchant: theShop, Bill: id}, Reported{Bill: id}, engine.Due{ID: b.deadline(id)}} {
					_, err := b.Do(t.Context(), 0, in)
					if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "airtill audit")) {
						t.Errorf("%T: %v, want it to say %q", in, err, tt.want)
					}
				}
				b.do(0, engine.Due{ID: sweepID("sub:any:CNY")})
				b.do(0, Cancel{Merchant: theShop, Bill: other})
			})
		})
	}
}

// An element whose owner cannot be read is nobody's to enrol.
func TestWakeOfAnElement(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		b.field("elements", elementTail(h.element), `{"phone":"8613800000009"}`)
		b.strict = false
		b.restart()
		if _, err := b.Do(t.Context(), 0, ClaimElement{Element: h.element, Phone: h.phone}); err == nil || !strings.Contains(err.Error(), "elements") {
			t.Errorf("it was claimed: %v", err)
		}
	})
}

// An enrolment reads a phone's register before all else of it. Whoever wants the phone
// meanwhile wants the rest alone, which comes later.
func TestRegisterIsReadAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h, stranger := b.payer(1), newHandset(2, bankCard{500000, "CNY"})
		b.restart()
		p := b.parts[0]
		for number, there := range map[gateway.MSISDN]bool{h.phone: true, stranger.phone: false} {
			missing := func(in any) []engine.Key {
				all, ok := errors.AsType[*engine.Missing](p.need(in))
				if !ok {
					return nil
				}
				return all.Keys
			}
			first := missing(FindPhone{Phone: number})
			if want := []engine.Key{registerKey(p.phoneID(number))}; !slices.Equal(first, want) {
				t.Fatalf("an enrolment reads %v", first)
			}
			rest := missing(Message{Phone: number})[1:] // the engine has asked for the register
			b.feed(p, first)
			if more := missing(FindPhone{Phone: number}); there != slices.Equal(more, rest) {
				t.Errorf("there %v, and then it reads %v", there, more)
			}
			for range mostAbsent + 1 {
				p.asleep.absent[engine.Key{Name: strconv.Itoa(len(p.asleep.absent))}] = true
			}
			b.feed(p, rest)
			for _, in := range []any{FindPhone{Phone: number}, Message{Phone: number}} {
				if more := missing(in); more != nil || p.phones[number] != nil != there || len(p.asleep.registers) != 0 {
					t.Errorf("there %v, and %T wants %v at the end", there, in, more)
				}
			}
		}
	})
}

// Bills of an older store, whose deadlines name no phone, are read before all else.
func TestWakeOfAnOlderStore(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		first, second := b.bring(h, bill.Opened), b.bring(h, bill.Paid)
		due := b.store.Partition(0).Sets[engine.DueSet]
		for _, id := range []platform.BillID{first, second} {
			due[string(id)] = due[b.deadline(id)]
			delete(due, b.deadline(id))
		}
		b.strict = false
		b.restart()
		b.dues() // the sweep
		b.sweepHome()
		b.want(second, bill.Settled)
		h.say(b, h.pay(b, first))
		b.want(first, bill.Paid)
		b.pass(2 * time.Second)
		b.sweepHome()
		outcome(b, first, Reported{Status: 204})
		outcome(b, second, Reported{Status: 204})
		b.pass(2 * time.Minute)
		if len(due) != 0 || b.live() != 0 {
			t.Errorf("%d deadlines are left, %d bills live", len(due), b.live())
		}
		b.audit()
	})
}

// deadline is what a bill's deadline goes by.
func (b *bank) deadline(id platform.BillID) string {
	for name := range b.store.Partition(0).Sets[engine.DueSet] {
		if strings.HasPrefix(name, string(id)) {
			return name
		}
	}
	b.t.Fatalf("%s has no deadline", id)
	return ""
}

// phoneID is what the store knows a payer's phone by.
func (b *bank) phoneID(number int) string {
	return b.config.Vault.Fingerprint(phoneKind, string(newHandset(number).phone))
}

func (b *bank) field(hash, name, value string) {
	p := b.store.Partition(0)
	if p.Hashes[hash] == nil {
		p.Hashes[hash] = map[string]string{}
	}
	p.Hashes[hash][name] = value
}

// Two requests with one order that both looked before either was kept: one bill.
func TestClaimsInARace(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		claim := func(reference, key string, change ...func(*platform.Order)) (Claimed, error) {
			o := orderFor(h, reference, key, change...)
			o.Fingerprint = fingerprint(o)
			reply, err := b.Do(t.Context(), 0, Claim{Merchant: theShop, Order: o})
			if err != nil {
				return Claimed{}, err
			}
			return reply.(Claimed), nil
		}
		first, err := claim("r", "k")
		if err != nil || first.Repeat {
			t.Fatal(first, err)
		}
		b.unchanged("the second in the race", func() {
			if again, err := claim("r", "k"); err != nil || !again.Repeat || again.Open.ID != first.Open.ID {
				t.Error(again, err)
			}
			if _, err := claim("r", "other", asking(1, "CNY")); codeOf(err) != "reference-taken reference" {
				t.Error(err)
			}
			if _, err := claim("other", "k"); codeOf(err) != "idempotency-mismatch Idempotency-Key" {
				t.Error(err)
			}
			if _, err := b.Do(t.Context(), 0, Claim{Merchant: "99999999", Order: orderFor(h, "x", "")}); codeOf(err) != "unauthorised" {
				t.Error(err)
			}
			if _, err := b.Do(t.Context(), 0, Open{ID: first.Open.ID, Order: platform.Order{Phone: "8613800099999"}, Looked: time.Now()}); codeOf(err) != "unknown-phone phone" {
				t.Error(err)
			}
		})
	})
}

// Two enrolments in a race, past the checks of the service.
func TestEnrolmentsInARace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank(t, 1)
		h, other := b.payer(1), b.payer(2)
		mine, theirs := b.phone(h).Register, b.phone(other).Register
		b.unchanged("a race", func() {
			theirs.MSISDN = h.phone
			if _, err := b.Do(t.Context(), 0, Enrol{Phone: theirs}); codeOf(err) != "already-enrolled phone" {
				t.Error(err)
			}
			if got, err := b.Do(t.Context(), 0, Enrol{Phone: mine}); err != nil || encode(got) != encode(mine) {
				t.Error(got, err)
			}
			if _, err := b.Do(t.Context(), 0, ClaimElement{Element: h.element, Phone: other.phone}); codeOf(err) != "already-enrolled element_id" {
				t.Error(err)
			}
			b.do(0, ClaimElement{Element: h.element, Phone: h.phone})
		})
	})
}

// Effects reach who performs them, and an effect that cannot be a bill is not tried for ever.
func TestEffectsAreHandedOn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		var got []string
		note := func(who string) engine.Performer {
			return performer(func(e engine.Effect) { got = append(got, who+" "+e.Kind) })
		}
		e := Effects{Service: b.service, Phones: note("phones"), Callbacks: note("callbacks"), Log: b.config.Log}
		for _, kind := range []string{EffectPush, EffectResult, EffectKeys, EffectCallback} {
			if err := e.Perform(t.Context(), 0, engine.Effect{Kind: kind}); err != nil {
				t.Error(err)
			}
		}
		if text := strings.Join(got, ", "); text != "phones push, phones result, phones keys, callbacks callback" {
			t.Error(text)
		}
		in := Open{ID: must(platform.NewBillID(time.Now(), 0, b.config.Random)), Order: platform.Order{Phone: "8613800099999"}}
		sealed := encode(sealOpen(b.config.Vault, in))
		if err := e.Perform(t.Context(), 0, engine.Effect{Kind: EffectOpen, Body: json.RawMessage(sealed)}); err != nil {
			t.Error(err)
		}
		if !strings.Contains(b.logs.String(), "cannot become a bill") {
			t.Error("nobody is told of an order that is lost")
		}
	})
}

type performer func(engine.Effect)

func (f performer) Perform(_ context.Context, _ engine.Partition, e engine.Effect) error {
	f(e)
	return nil
}
