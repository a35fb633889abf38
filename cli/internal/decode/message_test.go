package decode

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

func dump(v any) string {
	b, err := json.Marshal(v)
	return fmt.Sprintf("%v %+v %#v %s %v", v, v, v, b, err)
}

// Whatever the codec decodes is explained without a fault and with the same values;
// whatever it refuses has a fault.
func TestMessagesAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		suite := rapid.SampledFrom([]scp80.Suite{scp80.Modern, scp80.Legacy}).Draw(rt, "suite")
		payload, err := applet.Append(nil, suite, drawMessageOf(rt, suite))
		if err != nil {
			rt.Skip(err)
		}
		if rapid.Bool().Draw(rt, "damage") {
			payload[rapid.IntRange(0, len(payload)-1).Draw(rt, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		}
		agreeMessage(rt, payload)
	})
}

func agreeMessage(t rapid.TB, payload []byte) {
	e := Explain(payload, Message, nil)
	suite := scp80.Suite(0)
	if len(payload) > 1 {
		suite = scp80.Suite(payload[1] >> 4)
	}
	m, err := applet.Decode(suite, payload)
	if (err == nil) != (e.Fault == nil) {
		t.Fatalf("%x: %v, the codec says %v", payload, e.Fault, err)
	}
	if err != nil {
		return
	}
	for name, value := range valuesOf(m) {
		if f, ok := Find(e.Fields, name); !ok && value != "" || f.Value != shown(value) {
			t.Fatalf("%x: %s is %+v, the codec reads %q", payload, name, f, value)
		}
	}
}

// valuesOf are fields of a message as an explanation shows them.
func valuesOf(m applet.Message) map[string]string {
	seconds := func(at time.Time) string {
		if at.IsZero() {
			return "0"
		}
		return strconv.FormatInt(at.Unix(), 10)
	}
	want := map[string]string{"type": strconv.Itoa(int(m.Type())), "bill reference": strings.ToUpper(m.Reference().String())}
	switch m := m.(type) {
	case *applet.Bill:
		want["amount"], want["merchant"], want["name"], want["subject"] = fmt.Sprint(int64(m.Amount)), string(m.Merchant), m.Name, m.Subject
		want["expires"] = seconds(m.Expires)
	case *applet.Open:
		want["status"], want["slots"], want["time"] = fmt.Sprint(uint8(m.Status)), fmt.Sprint(m.Slots), seconds(m.Time)
	case *applet.Pay:
		want["amount"], want["phone"], want["identity number"] = fmt.Sprint(int64(m.Amount)), m.Phone.Masked(), m.Identity.Masked()
		want["card blob"], want["PIN block"], want["DUKPT counter"] = secret, secret, fmt.Sprint(m.PINCounter)
		want["payee"] = string(m.Payee)
		if m.Payee != "" {
			want["transaction"] = fmt.Sprint(uint64(m.Transaction))
		}
	case *applet.Refuse:
		want["reason"], want["text"] = fmt.Sprint(uint8(m.Reason)), m.Text
	case *applet.Result:
		want["response code"], want["approval"], want["payment number"] = string(m.Code), m.Approval, fmt.Sprint(m.Number)
		want["card tail"], want["tries left"], want["text"] = m.CardTail, fmt.Sprint(m.TriesLeft), m.Text
	case *applet.Keys:
		want["version"], want["wrapped keys"] = fmt.Sprint(m.Version), secret
	case *applet.Keyed:
		want["version"] = fmt.Sprint(m.Version)
	}
	return want
}

func drawMessageOf(t *rapid.T, suite scp80.Suite) applet.Message {
	ref := applet.BillRef(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "ref"))
	now := time.Unix(rapid.Int64Range(0, 1<<31).Draw(t, "time"), 0)
	if now.Unix() == 0 {
		now = time.Time{}
	}
	amount := money.Amount(rapid.Int64Range(0, 999_999_999_999).Draw(t, "amount"))
	text := func(name string) string { return rapid.String().Draw(t, name) }
	switch rapid.IntRange(0, 7).Draw(t, "type") {
	case 0:
		return &applet.Bill{Ref: ref, Amount: amount, Currency: money.CNY, Expires: now, Merchant: "10000001", Name: text("name"), Subject: text("subject")}
	case 1:
		return &applet.Open{Ref: ref, Status: applet.OpenStatus(rapid.IntRange(0, 2).Draw(t, "status")), Time: now, Slots: 3}
	case 2:
		return &applet.Refuse{Ref: ref, Reason: applet.RefuseReason(rapid.Byte().Draw(t, "reason")), Time: now, Text: text("text")}
	case 3:
		return &applet.Result{Ref: ref, Code: applet.CodeFunds, Number: 17, Amount: amount, Currency: money.CNY, CardTail: "0019", Time: now, TriesLeft: 2, Text: text("text")}
	case 4:
		return &applet.Receipt{Ref: ref, Time: now}
	case 5:
		n := 8 + 8 + 4*suite.KeyLen()
		return &applet.Keys{Version: rapid.Byte().Draw(t, "version"), Wrapped: rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "wrapped")}
	case 6:
		return &applet.Keyed{Version: rapid.Byte().Draw(t, "version")}
	}
	return drawPay(t, ref, amount, now)
}

func drawPay(t *rapid.T, ref applet.BillRef, amount money.Amount, now time.Time) applet.Message {
	p := &applet.Pay{
		Ref: ref, Amount: amount, Currency: money.CNY, Time: now, Phone: gateway.MSISDN(rapid.StringMatching(`[1-9][0-9]{6,14}`).Draw(t, "phone")),
		PINCounter: rapid.Uint32Range(1, 1<<21-1).Draw(t, "counter"),
	}
	if rapid.Bool().Draw(t, "identified") {
		p.Identity, _ = applet.ParseIdentity(applet.ResidentID, rapid.StringMatching(`[0-9]{1,17}[0-9X]`).Draw(t, "id"))
	}
	if rapid.Bool().Draw(t, "tail") {
		p.Payee, p.Transaction = "10000001", applet.TransactionNumber(rapid.Uint64().Draw(t, "transaction"))
	}
	return p
}

// A payment's secrets show nowhere: not whole, not cut off, not damaged, not joined in a PDU.
func TestPaymentsAreMasked(t *testing.T) {
	v := vectors(t)
	for _, id := range []string{"pay-aes256-keyset1", "pay-3des2-keyset3"} {
		pay := v.find(t, id)
		key := keyOf(suiteOf(pay), pay.KIcKey, pay.KIDKey)
		var printed strings.Builder
		printed.WriteString(dump(Explain(submitPDU(t, pay.UserData), 0, Keyring{key}).Fields))
		for n := range len(pay.SecuredData) {
			printed.WriteString(dump(Explain(pay.SecuredData[:n], Message, nil).Fields))
		}
		printed.WriteString(dump(Explain(append(pay.SecuredData[:len(pay.SecuredData):len(pay.SecuredData)], 1), Message, nil).Fields))
		blob, block := pay.SecuredData[40:64], pay.SecuredData[len(pay.SecuredData)-8:]
		for what, digits := range map[string]string{
			"blob": hex.EncodeToString(blob[4:12]), "PIN block": hex.EncodeToString(block), "identity number": "110105199003", "phone": "8613800000001f",
		} {
			if strings.Contains(printed.String(), digits) {
				t.Errorf("%s: the %s shows", id, what)
			}
		}
	}
}
