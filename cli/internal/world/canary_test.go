package world_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/app"
	"github.com/airtill/airtill/cli/internal/canary"
	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// S12, and PCI DSS 3.3.1: a day in the whole network, with processes of its own for
// redis and commands run as people run them; then everything that was kept, logged,
// sent, answered and printed is searched for what nobody may know. Numbers and names
// are no secrets to those who ask for them; they are not kept or logged in clear.
func TestCanary(t *testing.T) {
	for _, suite := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		t.Run(suite.String(), func(t *testing.T) {
			t.Parallel()
			server := enginetest.NewServer(t, "--aof-use-rdb-preamble", "no", "--rdbcompression", "no")
			c := byUSSD(flightPrice, person("wrong-pin-once", rich, rich), second(), third(), plain())
			c.Network, c.Suite = network.TCP{}, suite
			run(t, c, []string{"unix://" + server.Addr}, func(r *rig) {
				d := &day{rig: r, places: make(map[string][]byte)}
				d.live()
				d.ask()
				d.err()
				d.keep(filepath.Dir(server.Addr))
				d.look()
			})
		})
	}
}

// second is somebody who does as they are told.
func second() world.Person {
	p := person("manual", 0, rich)
	p.Name, p.Phone, p.Form, p.ID = "Ouyang Xiu", other, "sdtf", "330103196805236041"
	p.Cards[0].PAN, p.Cards[1].PAN = pan(11), pan(12)
	return p
}

const other gateway.MSISDN = "8613744150927"

// third is somebody without a payment client: the PIN is typed at menus, and crosses the
// wires of the carrier in clear. Nobody may keep it or tell of it.
func third() world.Person {
	p := bare("manual", rich)
	p.Name, p.Phone, p.ID = "Ximen Qing", menuPhone, "330103196805236059"
	p.Cards[0].PAN = pan(13)
	return p
}

const menuPhone gateway.MSISDN = "8613744150929"

// day is a day in the network, and what came of it that can be looked at.
type day struct {
	*rig
	places map[string][]byte
	bill   platform.BillID // one of the day's
	asked  [][]byte        // requests with secrets in them, made on purpose
}

// live has bills paid, declined, refused, cancelled, and a card locked.
func (d *day) live() {
	d.t.Helper()
	first := d.endsAs(d.place(flight, payer, buyer).ID, merchant.Paid)
	d.bill = platform.BillID(first.Bill)
	d.told(d.bill)
	o := d.place(voucher, other, other)
	id := platform.BillID(o.Bill)
	d.phoneHas(other, id, handsetsim.StateShown)
	d.pay(other, id, 1, pin)
	d.attempts(id, 1)
	d.phoneHas(other, id, handsetsim.StateOpened)
	d.pay(other, id, 2, wrongPIN)
	d.attempts(id, 2)
	d.phoneHas(other, id, handsetsim.StateOpened)
	d.pay(other, id, 2, pin)
	d.endsAs(o.ID, merchant.Paid)
	refused := d.place(flight, other, buyer)
	d.phoneHas(other, platform.BillID(refused.Bill), handsetsim.StateShown)
	_, err := d.Phones.Refuse(d.ctx, other, fleet.Refusal{Reason: "not_mine"})
	d.ok(err)
	d.endsAs(refused.ID, merchant.Refused)
	cancelled := d.send(order("cancelled"))
	_, err = d.Bills.CancelBill(d.ctx, cancelled.ID)
	d.ok(err)
	d.told(d.send(order("by the merchant's own system")).ID)
	d.menus()
}

// menus has a bill paid over USSD, after a wrong PIN, and one given up.
func (d *day) menus() {
	d.t.Helper()
	o := d.place(flight, menuPhone, buyer)
	d.types(menuPhone, "1")
	d.screen(menuPhone, "PIN")
	d.types(menuPhone, wrongPIN)
	d.screen(menuPhone, "Wrong PIN")
	d.types(menuPhone, pin)
	d.endsAs(o.ID, merchant.Paid)
	given := d.place(voucher, menuPhone, buyer)
	d.screen(menuPhone, "1 Pay")
	_, err := d.Phones.USSD(d.ctx, menuPhone, fleet.USSD{Abort: true})
	d.ok(err)
	d.reaches(platform.BillID(given.Bill), "delivered")
	d.texts(menuPhone, 2) // how to pay it, and the shop's thanks for the first
}

// ask runs commands as an operator, a merchant and a tester do, and keeps what they print.
func (d *day) ask() {
	d.t.Helper()
	ready := filepath.Join(d.t.TempDir(), "ready.json")
	d.ok(world.WriteReady(ready, d.Ready()))
	lines := []string{ // @ is where the flags go that all have
		"bill list @", "bill show @ " + string(d.bill), "bill events @ " + string(d.bill), "office phones @", "office merchants @",
		"phone screen @ " + string(menuPhone), "phone inbox @ " + string(menuPhone),
		"phone reply @ " + string(menuPhone), "phone dial --wait 0s @ " + string(menuPhone) + " *120#",
		"phone list @", "phone show @ " + string(payer), "phone inbox @ " + string(buyer), "phone bills @ " + string(payer), "audit @",
		"bill show @ bill_01ARZ3NDEKTSV4RRFFQ69G5FAV", "bill cancel @ " + string(d.bill),
		"bill create @ --amount 1 --phone 8613800000099", "phone pay @ --slot 9 " + string(payer),
	}
	for _, line := range lines {
		for _, flags := range []string{" --network " + ready, " --json --network " + ready} {
			before, after, _ := strings.Cut(line, " @")
			var printed bytes.Buffer
			env := app.Env{Stdin: strings.NewReader(""), Stdout: &printed, Stderr: &printed, Getenv: d.getenv}
			words := strings.Fields("airtill " + before + flags + after)
			if status := app.Report(env, app.Run(d.ctx, env, words)); printed.Len() == 0 || status == app.StatusUsage {
				d.t.Errorf("%q ends with status %d: %s", words, status, &printed)
			}
			d.places["airtill "+before+flags+after] = printed.Bytes()
		}
	}
}

func (d *day) getenv(name string) string {
	switch name {
	case "AIRTILL_PIN":
		return pin
	case "AIRTILL_ID_NUMBER":
		return identity
	}
	return ""
}

// err does what cannot be, with secrets in it, and keeps what is said of that.
func (d *day) err() {
	d.t.Helper()
	wrong := map[string]func(*world.Person){
		"a PIN too long":      func(p *world.Person) { p.PIN = pin + "1" },
		"a PIN with a letter": func(p *world.Person) { p.PIN = pin[:11] + "A" },
		"a wrong check digit": func(p *world.Person) { p.Cards[0].PAN = pan(11)[:15] + string(pan(11)[15]^1) },
		"no such identity":    func(p *world.Person) { p.ID = identity + "7" },
		"no such form":        func(p *world.Person) { p.Form = pin },
		"enrolled already":    func(*world.Person) {},
		"no name":             func(p *world.Person) { p.Name = "" },
	}
	for what, spoil := range wrong {
		p := second()
		p.Cards = slices.Clone(p.Cards)
		if what != "enrolled already" {
			p.Phone = "8613744150928"
		}
		spoil(&p)
		if err := d.Admit(d.ctx, p); err == nil {
			d.t.Errorf("%s: enrolled", what)
		} else if what != "no such form" { // which names what it was told
			d.places["error: "+what] = []byte(err.Error())
		}
	}
	for _, body := range []string{`{"reference":"` + pan(0), `{"pin":"` + pin + `"}`, `{"reference":"x","amount":1,"currency":"CNY","phone":"` + pin + `0"}`} {
		d.asked = append(d.asked, []byte(body))
		d.places["problem of "+body[:9]] = d.raw("POST", "/v1/bills", body).body
	}
	d.places["unauthorised"] = d.raw("GET", "/v1/bills", "", "Authorization", "Bearer "+d.Keys.APIKey+"0").body
}

// keep adds what the store holds and has on its disk, what was logged, and what crossed the wires.
func (d *day) keep(dir string) {
	d.t.Helper()
	d.still()
	d.ok(d.redis().Save(d.ctx).Err())
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		d.places["file "+filepath.Base(path)] = text
		return err
	})
	d.ok(err)
	maps.Copy(d.places, d.rig.places())
	for place, content := range d.places { // what was asked with a secret in it, and the answer that hands keys out
		if slices.ContainsFunc(d.asked, func(body []byte) bool { return bytes.HasPrefix(content, body) }) ||
			strings.HasPrefix(place, "POST /v1/office/merchants") {
			delete(d.places, place)
		}
	}
}

// look searches everything.
func (d *day) look() {
	d.t.Helper()
	never, atRest := d.secrets(), d.personal()
	var files, messages, calls int
	for place, content := range d.places {
		kept := strings.HasPrefix(place, "file ") || strings.HasPrefix(place, "store ") || place == "log"
		d.silent(never, place, content)
		if kept || strings.HasPrefix(place, "message ") && !d.forPeople(content) {
			d.silent(atRest, place, content)
		}
		files += strings.Count(place, "file ")
		messages += strings.Count(place, "message ")
		calls += strings.Count(place, "POST ")
	}
	if files < 3 || messages < 20 || calls < 10 {
		d.t.Errorf("only %d files, %d messages and %d calls were searched", files, messages, calls)
	}
	d.seesWhatIsThere()
}

func (d *day) silent(s *canary.Search, place string, content []byte) {
	d.t.Helper()
	for _, found := range s.In(content) {
		d.t.Errorf("in %s: %v", place, found)
	}
}

// forPeople says whether a message is a text to be read.
func (d *day) forPeople(userData []byte) bool {
	for _, h := range d.seen.hops(func(h *hop) bool { return h.packet() == nil && bytes.Equal(h.UserData, userData) }) {
		return h != nil
	}
	return false
}

// secrets are what may be nowhere: PINs and blocks of them, numbers of cards and people,
// keys of all kinds.
func (d *day) secrets() *canary.Search {
	d.t.Helper()
	s := new(canary.Search)
	s.Digits("the PIN", pin)
	s.Digits("a mistyped PIN", wrongPIN)
	s.Digits("an identity number", identity)
	s.Digits("an identity number", second().ID)
	s.Digits("an identity number", third().ID)
	for _, n := range []int{0, 1, 11, 12, 13} {
		s.Digits("a card number", pan(n))
	}
	s.Text("an API key", d.Keys.APIKey)
	s.Text("a webhook secret", strings.TrimPrefix(d.Keys.WebhookSecret, "whsec_"))
	s.Text("the operator's key", d.Ready().OperatorKey)
	for _, n := range []gateway.MSISDN{payer, other} {
		d.derived(s, d.bound(d.enrolled(n).ElementID))
		for _, p := range pays(d.said(n)) {
			s.Octets("a PIN block", bytes.TrimRight(p.PINBlock[:], "\x00"))
		}
	}
	d.masters(s)
	return s
}

// derived are an element's keys.
func (d *day) derived(s *canary.Search, b keys.Binding) {
	d.t.Helper()
	mo, err := d.vault.MO(b)
	d.ok(err)
	mt, err := d.vault.MT(b)
	d.ok(err)
	card, err := d.vault.CardDataKey(b)
	d.ok(err)
	initial, id, err := d.vault.InitialKey(b)
	d.ok(err)
	for what, key := range map[string][]byte{
		"an MO KIc": mo.KIc.Reveal(), "an MO KID": mo.KID.Reveal(), "an MT KIc": mt.KIc.Reveal(), "an MT KID": mt.KID.Reveal(),
		"a card-data key": card.Reveal(), "an initial PIN key": initial.Reveal(),
	} {
		s.Octets(what, key)
	}
	for counter := uint32(1); counter <= 4; counter++ {
		key, err := applet.DerivePINKey(b.Suite, initial, id, counter)
		d.ok(err)
		s.Octets("a PIN key", key.Reveal())
	}
}

// masters are the vault's own keys, as its file has them.
func (d *day) masters(s *canary.Search) {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), "vault.json")
	d.ok(d.vault.Save(path, keys.Lock{}))
	text, err := os.ReadFile(path)
	d.ok(err)
	var file struct {
		Keys   map[string]string `json:"keys"`
		Branch string            `json:"branch"`
	}
	d.ok(json.Unmarshal(text, &file))
	if len(file.Keys) < 10 {
		d.t.Fatalf("the vault's file has %d keys", len(file.Keys))
	}
	file.Keys["branch"] = file.Branch
	for what, digits := range file.Keys {
		key, err := hex.DecodeString(digits)
		d.ok(err)
		s.Octets("master key "+what, key)
	}
}

// personal is what is kept only sealed.
func (d *day) personal() *canary.Search {
	s := new(canary.Search)
	for _, n := range []gateway.MSISDN{payer, other, menuPhone, buyer} {
		s.Digits("a phone number", string(n))
	}
	s.Text("a name", second().Name)
	s.Text("a name", third().Name)
	return s
}

// seesWhatIsThere plants nothing: it looks for what must be there, in each kind of
// place, so that a search that is blind is told from one that finds nothing.
func (d *day) seesWhatIsThere() {
	d.t.Helper()
	s := new(canary.Search)
	s.Text("the bill", string(d.bill))
	s.Text("the shop", "Sky Travel")
	for _, place := range []string{"store ", "file dump.rdb", "file appendonly", "airtill bill show", "POST /v1/bills", "POST /airtill"} {
		hits := 0
		for name, content := range d.places {
			if strings.HasPrefix(name, place) {
				hits += len(s.In(content))
			}
		}
		if hits == 0 {
			d.t.Errorf("not even what is there was found in %s: the search is blind", place)
		}
	}
}
