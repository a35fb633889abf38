package world_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// inEachProfile runs with a shop that signs, in memory and over TCP.
func inEachProfile(t *testing.T, config world.Config, test func(r *rig)) {
	t.Helper()
	for _, profile := range []platform.Profile{platform.ProfileModern, platform.ProfileLegacy} {
		t.Run(string(profile), func(t *testing.T) {
			c := config
			c.Profile = profile
			everywhere(t, c, test)
		})
	}
}

// legs is what crossed between shop and platform, in both directions.
func (r *rig) legs(at string) []*call {
	var all []*call
	for _, s := range r.seen.all() {
		if s.call != nil && s.call.at == at {
			all = append(all, s.call)
		}
	}
	return all
}

// S12, S14: in a profile that signs, order, result and both answers are signed, no number
// and no traveller crosses in the clear, and the money moves as it does otherwise.
func TestS14_ProfilesThatSign(t *testing.T) {
	inEachProfile(t, people(person("pays", rich), plain()), func(r *rig) {
		o, err := r.Merchant.Shop.Place(r.ctx, merchant.Request{
			Item: flight, Phone: string(payer), BuyerPhone: string(buyer), Traveller: "Zhang Sanfeng",
		})
		r.ok(err)
		legacy := r.Keys.FieldKey != ""
		id := platform.BillID(r.endsAs(o.ID, merchant.Paid).Bill)
		r.until("the callback to be taken", func() bool { return !r.bill(id).Acknowledged.IsZero() })
		if got := r.earned(); got != flightPrice {
			r.t.Errorf("earned %d", got)
		}
		for _, c := range append(r.legs("platform"), r.legs("shop")...) {
			if strings.HasPrefix(c.path, "/v1/office") || c.path == "/v1/keys" || strings.Contains(c.path, "livez") {
				continue
			}
			inQuery := c.method == "GET" && legacy // which is not noted
			if !inQuery && !signedLeg(c.header, c.path, c.body) || c.status != http.StatusNoContent && !signedLeg(c.answered, "", c.answer) {
				r.t.Errorf("%s %s is not signed both ways: %s", c.method, c.path, c.answer)
			}
			crossed := string(c.body) + string(c.answer) + c.path
			for _, secret := range []string{string(payer), string(buyer), "Sanfeng"} {
				if strings.Contains(crossed, secret) {
					r.t.Errorf("%s %s holds %s in the clear", c.method, c.path, secret)
				}
			}
		}
		if text := r.logs.String(); strings.Contains(text, string(payer)) || strings.Contains(text, "BEGIN") {
			r.t.Error("a log holds a number or a key")
		}
	})
}

func signedLeg(h http.Header, path string, body []byte) bool {
	return h.Get("Signature") != "" || strings.Contains(path+"&"+string(body), "&sign=")
}

// A shop that signs cannot be had by less: its number and an API key do not do, and what
// was signed once is not good for anything else.
func TestS14_NoDowngrade(t *testing.T) {
	inEachProfile(t, people(person("never", rich)), func(r *rig) {
		const body = `{"reference":"d-1","amount":500,"currency":"CNY","phone":"8613800000001"}`
		for _, key := range []string{"", "Bearer ak_10000001_x", "Bearer " + r.Keys.WebhookSecret} {
			r.refusedAs(r.raw("POST", "/v1/bills", body, "Authorization", key), 401, platform.CodeUnauthorised, "")
		}
		b := r.send(order("d-2"))
		if again := r.send(order("d-2")); again.ID != b.ID {
			r.t.Errorf("the same order made %s and %s", b.ID, again.ID)
		}
		var made *call
		r.until("the order to be seen", func() bool {
			for _, c := range r.legs("platform") {
				if c.method == "POST" && c.path == "/v1/bills" && c.status == 202 {
					made = c
				}
			}
			return made != nil
		})
		var header []string
		for name, values := range made.header {
			header = append(header, name, values[0])
		}
		header = append(header, "Authorization", "")
		changed := []byte(string(made.body))
		changed[len(changed)-3] ^= 1
		header = append(header, "Content-Digest", digestOf(string(changed)))
		if a := r.raw("POST", "/v1/bills", string(changed), header...); a.status != 401 {
			r.t.Errorf("a changed order was answered %d %s", a.status, a.body)
		}
		page, err := r.Bills.Bills(r.ctx, api.Query{})
		r.ok(err)
		if len(page.Bills) != 1 {
			r.t.Errorf("%d bills", len(page.Bills))
		}
	})
}

// A merchant's keys and the platform's own change while it trades: for a while both are
// good, then the old ones are not, and the journal says who did it.
func TestS12_KeysChangeWhileTrading(t *testing.T) {
	everywhere(t, people(person("never", rich)), func(r *rig) {
		first, err := world.NewSigning(platform.ProfileModern, "20000003")
		r.ok(err)
		second, err := world.NewSigning(platform.ProfileModern, "20000003")
		r.ok(err)
		m := api.Merchant{ID: "20000003", Name: "Keys"}
		m.Profile = platform.ProfileModern
		m.Keys, err = first.Public()
		r.ok(err)
		_, err = r.Office.OpenMerchant(r.ctx, m)
		r.ok(err)
		config := api.ClientConfig{BaseURL: r.Platform.URL(), HTTP: world.HTTPClient(r.net)}
		old, err := first.Client(config)
		r.ok(err)
		fresh, err := second.Client(config)
		r.ok(err)
		asks := func(c *api.Client) error { _, err := c.Bills(r.ctx, api.Query{}); return err }
		r.ok(asks(old))
		if asks(fresh) == nil {
			r.t.Fatal("a key that nobody knows is taken")
		}
		public, err := second.Public()
		r.ok(err)
		change := func(act platform.KeyAct, kind platform.KeyKind, key string) error {
			_, err := r.Office.ChangeMerchantKeys(r.ctx, m.ID, api.KeyChange{Act: act, Kind: kind, PublicKey: key, By: "Wang Laoban", Note: "a test"})
			return err
		}
		r.ok(change(platform.KeyRotate, platform.KeyPublic, public[0].PEM))
		r.ok(asks(old))
		r.ok(asks(fresh))
		r.ok(change(platform.KeyRetire, platform.KeyPublic, ""))
		if asks(old) == nil {
			r.t.Error("a retired key is taken")
		}
		r.ok(asks(fresh))
		own := func(act platform.KeyAct, kind platform.KeyKind) error {
			return r.Office.ChangePlatformKeys(r.ctx, api.KeyChange{Act: act, Kind: kind, By: "Wang Laoban", Note: "a test"})
		}
		for _, kind := range []platform.KeyKind{platform.KeySealing, platform.KeySigning} {
			r.ok(own(platform.KeyRotate, kind))
			if own(platform.KeyRotate, kind) == nil {
				r.t.Error("three keys are good at a time")
			}
		}
		_, err = fresh.CreateBill(r.ctx, order("k-1"), "") // sealed to the older key
		r.ok(err)
		r.ok(asks(fresh))
		r.ok(own(platform.KeyRetire, platform.KeySigning))
		r.until("the merchant to learn of the platform's new key", func() bool { return asks(fresh) == nil })
		r.noted("rotate_key", "Wang Laoban")
		r.noted("retire_key", "Wang Laoban")
	})
}
