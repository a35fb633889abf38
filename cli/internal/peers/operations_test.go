package peers

import (
	"maps"
	"testing"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// Every operation that an ESME has, as libraries that nobody here wrote speak it; and
// a dissector that nobody here wrote reads every octet of it.
func TestOperationsOfOutsideClients(t *testing.T) {
	for _, library := range libraries {
		t.Run(library.String(), func(t *testing.T) {
			Want(t, "tshark")
			n := startNetwork(t)
			tap := Listen(t, n.addr.Port)
			for name, operation := range map[string]func(*testing.T, *network, *ESME){
				"query": query, "cancel": cancel, "replace": replace, "multi": multi, "data": data, "ussd": ussd,
			} {
				t.Run(name, func(t *testing.T) {
					client := n.bind(t, library)
					operation(t, n, client)
					client.Unbind()
				})
			}
			judge(t, tap.Stop(), map[uint32]int{
				0x03: 2, 0x80000003: 2, 0x07: 1, 0x80000007: 1, 0x08: 1, 0x80000008: 1,
				0x21: 1, 0x80000021: 1, 0x103: 1, 0x80000103: 1,
			})
		})
	}
}

// Times of schedule_delivery_time, SMPP 3.4 §7.1.1.
const (
	inAnHour  = "000000010000000R"
	inASecond = "000000000001000R"
)

// query asks for the state of a message that waits, and of one that has come.
func query(t *testing.T, n *network, client *ESME) {
	id := client.do("submitted", order{Do: "submit", To: phone, Text: "later", At: inAnHour}).ID
	if got := client.do("queried", order{Do: "query", ID: id}); got.State != smpp.StateEnroute || got.Final != "" {
		t.Errorf("a message that waits: %+v", got)
	}
	id = client.Submit(phone, "now")
	n.next(t)
	client.Await("receipt")
	if got := client.do("queried", order{Do: "query", ID: id}); got.State != smpp.StateDelivered || got.Final == "" {
		t.Errorf("a message that has come: %+v", got)
	}
	if got := client.do("refused", order{Do: "query", ID: "0"}); got.Status != uint32(smpp.RINVMSGID) {
		t.Errorf("a message that never was: %+v", got)
	}
}

// cancel takes a message back, and gets its receipt; it cannot do so twice.
func cancel(t *testing.T, _ *network, client *ESME) {
	id := client.do("submitted", order{Do: "submit", To: phone, Text: "never", At: inAnHour}).ID
	client.do("cancelled", order{Do: "cancel", ID: id, To: phone})
	if got := client.Await("receipt"); got.ID != id || got.Stat != "DELETED" {
		t.Errorf("receipt %+v, want id %s, DELETED", got, id)
	}
	if got := client.do("queried", order{Do: "query", ID: id}); got.State != smpp.StateDeleted {
		t.Errorf("a message that was taken back: %+v", got)
	}
	if got := client.do("refused", order{Do: "cancel", ID: id, To: phone}); got.Status != uint32(smpp.RCANCELFAIL) {
		t.Errorf("taken back again: %+v", got)
	}
}

// replace changes a message's text and its time while it waits.
func replace(t *testing.T, n *network, client *ESME) {
	id := client.do("submitted", order{Do: "submit", To: phone, Text: "Gate 7", At: inAnHour}).ID
	client.do("replaced", order{Do: "replace", ID: id, Text: "Gate 9", At: inASecond})
	if got := read(t, n.next(t)); got != "Gate 9" {
		t.Errorf("the handset read %q", got)
	}
	if got := client.Await("receipt"); got.ID != id || got.Stat != "DELIVRD" {
		t.Errorf("receipt %+v, want id %s, DELIVRD", got, id)
	}
	if got := client.do("refused", order{Do: "replace", ID: id, Text: "Gate 11"}); got.Status != uint32(smpp.RREPLACEFAIL) {
		t.Errorf("replaced once it has come: %+v", got)
	}
}

// multi goes to two handsets, and is told of the number that nobody has.
func multi(t *testing.T, n *network, client *ESME) {
	const other, nobody = "8613800000002", "999"
	got := client.do("submitted", order{Do: "multi", All: []string{phone, nobody, other}, Text: "Boarding"})
	if want := map[string]uint32{nobody: uint32(smpp.RINVDSTADR)}; !maps.Equal(got.Failed, want) {
		t.Errorf("refused %v, want %v", got.Failed, want)
	}
	came := map[string]string{}
	receipted := map[string]string{}
	for range 2 {
		sm := n.next(t)
		came[sm.Destination.Digits] = read(t, sm)
		receipt := client.Await("receipt")
		receipted[receipt.From] = receipt.ID + " " + receipt.Stat
	}
	if want := map[string]string{phone: "Boarding", other: "Boarding"}; !maps.Equal(came, want) {
		t.Errorf("the handsets read %q", came)
	}
	if want := map[string]string{phone: got.ID + " DELIVRD", other: got.ID + " DELIVRD"}; !maps.Equal(receipted, want) {
		t.Errorf("receipts %q, want %q", receipted, want)
	}
}

// data is a text in message_payload, with its receipt.
func data(t *testing.T, n *network, client *ESME) {
	id := client.do("submitted", order{Do: "data", To: phone, Text: "By data_sm"}).ID
	if got := read(t, n.next(t)); got != "By data_sm" {
		t.Errorf("the handset read %q", got)
	}
	if got := client.Await("receipt"); got.ID != id || got.Stat != "DELIVRD" {
		t.Errorf("receipt %+v, want id %s, DELIVRD", got, id)
	}
}

// ussd is a question to a handset and its answer: both keep the session that the
// optional parameters name.
func ussd(t *testing.T, n *network, client *ESME) {
	client.do("submitted", order{Do: "ussd", To: phone, Text: "1 Pay 2 Refuse", Op: 2, Session: "2a06"})
	sm := n.next(t)
	op, _ := sm.TLVs.Uint8(smpp.TagUSSDServiceOp)
	session, _ := sm.TLVs.Get(smpp.TagITSSessionInfo)
	if sm.ServiceType != "USSD" || op != 2 || string(session) != "\x2a\x06" || read(t, sm) != "1 Pay 2 Refuse" {
		t.Errorf("the handset got %+v", sm)
	}
	n.submit(t, &smpp.SubmitSM{
		ServiceType: "USSD", ShortMessage: []byte("1"), DataCoding: tpdu.CodingDefault,
		TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagUSSDServiceOp, 18), {Tag: smpp.TagITSSessionInfo, Value: []byte("\x2a\x06")}},
	})
	if got := client.Await("message"); got.Service != "USSD" || got.Op != 18 || got.Session != "2a06" || got.Text != "1" {
		t.Errorf("the answer came as %+v", got)
	}
}
