package signature_test

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/airtill/airtill/platform/signature"
)

// What a merchant of profile modern sends to ask for a bill by its reference. Ed25519
// makes the same signature each time, so this is a test for a client in any language; the
// key is testdata/openssl/ed25519.pem.
func ExampleSign() {
	text, err := os.ReadFile("testdata/openssl/ed25519.pem")
	if err != nil {
		panic(err)
	}
	key, err := signature.ParseSigningKey(text)
	if err != nil {
		panic(err)
	}
	r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:8080/v1/bills?reference=order-1001", http.NoBody)
	if err != nil {
		panic(err)
	}
	err = signature.Sign(signature.RequestMessage(r), key.WithID("10000010/"+key.ID()), signature.Input{
		Label: "airtill", Components: []string{"@method", "@authority", "@path", "@query"},
		Created: time.Unix(1795824000, 0), Algorithm: true, Nonce: "n-0001", Tag: "airtill",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("Signature-Input:", r.Header.Get("Signature-Input"))
	fmt.Println("Signature:", r.Header.Get("Signature"))
	// Output:
	// Signature-Input: airtill=("@method" "@authority" "@path" "@query");created=1795824000;keyid="10000010/9msO4cokvvbdVRIo5p894nBsKLue9sINTtksX4GAZ2U";alg="ed25519";nonce="n-0001";tag="airtill"
	// Signature: airtill=:Mjz/2WOxmeUlY88RRoRmYAokSzwNJMSQg3SQtFscqIJByccjrizt2b71t7sfEJH3Q2eOLsO9pY5N1/5pVhrECg==:
}

// What a legacy signature is over: the MD5 digest of this text is signed with RSA.
func ExampleFields_Base() {
	f := signature.Fields{
		"merchant": "10000011", "service": "GET /v1/bills", "serial": "n-0001", "time": "20261128120000",
		"key": "KEY_ID", "sign_type": "RSA-MD5", "reference": "order 1001/é", "sign": "is not part of it",
	}
	fmt.Println(f.Base())
	// Output:
	// key=KEY_ID&merchant=10000011&reference=order+1001%2F%C3%A9&serial=n-0001&service=GET+%2Fv1%2Fbills&sign_type=RSA-MD5&time=20261128120000
}
