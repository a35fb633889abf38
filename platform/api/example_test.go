package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/signature"
)

// README: begin
// signedClient asks the platform as merchant 10000010, which is of profile modern.
func signedClient(platformURL string) (*api.Client, error) {
	private, err := os.ReadFile("tea.pem")
	if err != nil {
		return nil, err
	}
	key, err := signature.ParseSigningKey(private)
	if err != nil {
		return nil, err
	}
	public, err := os.ReadFile("platform.json")
	if err != nil {
		return nil, err
	}
	var trusted signature.KeySet // of the platform: answers signed by others are not believed
	if err := json.Unmarshal(public, &trusted); err != nil {
		return nil, err
	}
	mine, err := api.NewModern(api.SideConfig{Merchant: "10000010", Key: key, Platform: api.PinKeys(trusted)})
	if err != nil {
		return nil, err
	}
	return api.NewClient(api.ClientConfig{BaseURL: platformURL, Signer: mine})
}

// README: end

// A merchant that signs orders as any other does: its client seals and signs.
func Example_signed() {
	client, err := signedClient("http://127.0.0.1:8080")
	if err != nil {
		panic(err)
	}
	bill, err := client.CreateBill(context.Background(), api.Order{
		Reference: "order-1001", Amount: 128000, Currency: money.CNY, Phone: "8613800000001",
	}, "")
	if err != nil {
		panic(err)
	}
	fmt.Println(bill.ID, bill.State)
}

// The example's client, with the files that the commands write.
func TestExampleSigned(t *testing.T) {
	b := newBench(t)
	b.keys.partners["10000010"] = api.Partner{
		Merchant: platform.Merchant{ID: "10000010", Profile: platform.ProfileModern},
		Keys:     []signature.VerificationKey{openChest().shop.Verification()},
	}
	private, err := openChest().shop.PEM()
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(b.keys.identity.Public())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string][]byte{"tea.pem": private, "platform.json": public} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client, err := signedClient(b.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if made, err := client.CreateBill(t.Context(), goodOrder(), ""); err != nil || made.ID != firstBill {
		t.Errorf("%+v, %v", made, err)
	}
}
