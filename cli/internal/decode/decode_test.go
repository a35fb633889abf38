package decode

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/platform/scp80"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkTree checks what Explain promises of every input: fields side by side, every
// octet in one leaf, and parts that fill what they are parts of.
func checkTree(t testing.TB, e Explanation) {
	t.Helper()
	if at := checkFields(t, e.Fields, 0); at != e.Length {
		t.Fatalf("fields end at octet %d of %d", at, e.Length)
	}
	if _, err := json.Marshal(e); err != nil {
		t.Fatal(err)
	}
	if e.Fault != nil && (e.Fault.Offset < 0 || e.Fault.Offset > e.Length) {
		t.Fatalf("%v of %d octets", e.Fault, e.Length)
	}
}

func checkFields(t testing.TB, fields []Field, at int) int {
	t.Helper()
	for _, f := range fields {
		if f.Offset != at || f.Length < 0 || f.Name == "" {
			t.Fatalf("field %q of %d octets at %d, not at %d", f.Name, f.Length, f.Offset, at)
		}
		at += f.Length
		switch {
		case len(f.Fields) > 0:
			if end := checkFields(t, f.Fields, f.Offset); end != at {
				t.Fatalf("the parts of %q end at %d, not at %d", f.Name, end, at)
			}
		case f.Octets != secret && len(f.Octets) != 2*f.Length:
			t.Fatalf("%q has %d octets: %s", f.Name, f.Length, f.Octets)
		}
	}
	return at
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden are inputs of every kind; in the tests' files is what they are.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	v := vectors(t)
	modern, legacy := v.find(t, "pay-aes256-keyset1"), v.find(t, "pay-3des2-keyset3")
	return map[string][]byte{
		"pdu-submit-modern": submitPDU(t, modern.UserData),
		"pdu-submit-legacy": submitPDU(t, legacy.UserData),
		"pdu-bind":          encodePDU(t, smpp.PDU{Sequence: 1, Body: &smpp.BindTransceiver{SystemID: "shop", Password: "hushhush", InterfaceVersion: smpp.Version, AddressRange: "^10690$"}}),
		"pdu-receipt":       receiptPDU(t),
		"pdu-submit-multi":  operationPDU(t, smpp.IDSubmitMulti), "pdu-submit-multi-resp": operationPDU(t, smpp.IDSubmitMultiResp),
		"pdu-data": operationPDU(t, smpp.IDDataSM), "pdu-data-resp": operationPDU(t, smpp.IDDataSMResp),
		"pdu-query": operationPDU(t, smpp.IDQuerySM), "pdu-query-resp": operationPDU(t, smpp.IDQuerySMResp),
		"pdu-cancel": operationPDU(t, smpp.IDCancelSM), "pdu-replace": operationPDU(t, smpp.IDReplaceSM),
		"pdu-outbind": operationPDU(t, smpp.IDOutbind), "pdu-alert": operationPDU(t, smpp.IDAlertNotification),
		"pdu-ussd":           ussdPDU(t),
		"packet-modern":      modern.Packet,
		"packet-legacy":      legacy.Packet,
		"packet-response":    v.find(t, "gsm0348-resp-002-3des-ciphered-cc").Packet,
		"message-pay-modern": modern.SecuredData,
		"message-pay-legacy": legacy.SecuredData,
		"userdata-ports":     append(unhex(t, "0805043f483f487000"), modern.Packet...),
		"pdu-turkish":        turkishPDU(t),
		"tpdu-deliver":       unhex(t, "040b919471476965870000117042916303210ec8329bfd065ddf72363904aaaa")[:31],
		"tpdu-submit":        append(unhex(t, "41000b916831080000f10000f67d"), modern.UserData...),
	}
}

func TestGolden(t *testing.T) {
	v := vectors(t)
	modern, legacy, answer := v.find(t, "pay-aes256-keyset1"), v.find(t, "pay-3des2-keyset3"), v.find(t, "gsm0348-resp-002-3des-ciphered-cc")
	keys := map[string]Key{
		"modern": keyOf(scp80.Modern, modern.KIcKey, modern.KIDKey), "legacy": keyOf(scp80.Legacy, legacy.KIcKey, legacy.KIDKey),
		"response": keyOf(scp80.Legacy, answer.KIcKey, answer.KIDKey),
	}
	for name, octets := range golden(t) {
		t.Run(name, func(t *testing.T) {
			e := Explain(octets, 0, nil)
			checkTree(t, e)
			compare(t, name, e)
			if key, ok := keys[name[strings.LastIndex(name, "-")+1:]]; ok && !strings.HasPrefix(name, "message") {
				onlyModern(t, key.Suite)
				e := Explain(octets, 0, Keyring{key})
				checkTree(t, e)
				compare(t, name+"-opened", e)
			}
		})
	}
}

func compare(t *testing.T, name string, e Explanation) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(e); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "golden", name+".json")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s is not as in the golden file (go test -update writes it anew):\n%s", name, b.Bytes())
	}
}
