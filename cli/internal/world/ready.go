package world

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/airtill/airtill/platform/money"
)

// Ready is what a running network says of itself in its ready file: where it is and
// which keys to use. It holds secrets; the file is its owner's alone.
type Ready struct {
	HTTP        string          `json:"http"`                  // of the platform; of a carrier alone, its management
	SMPP        string          `json:"smpp"`                  // host:port of the carrier
	SMPPS       string          `json:"smpps,omitempty"`       // of the carrier, over TLS
	Carrier     string          `json:"carrier,omitempty"`     // the carrier's management
	CarrierKey  string          `json:"carrier_key,omitempty"` // bearer token of it
	Handsets    string          `json:"handsets"`              // control face of the phones
	Shop        string          `json:"shop"`                  // of the built-in shop
	Redis       string          `json:"redis"`                 // of the store
	Messages    string          `json:"messages,omitempty"`    // the Redis of the carrier's messages
	OperatorKey string          `json:"operator_key"`
	Merchants   []ReadyMerchant `json:"merchants"`
	Phones      []ReadyPhone    `json:"phones"`
	ESMEs       []ReadyESME     `json:"esmes"`
	PID         int             `json:"pid,omitempty"` // of the process that wrote it
}

// ReadyMerchant is a merchant with its keys.
type ReadyMerchant struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	APIKey        string `json:"api_key"`
	WebhookSecret string `json:"webhook_secret"`
}

// ReadyPhone is an enrolled phone.
type ReadyPhone struct {
	MSISDN  string      `json:"msisdn"`
	Name    string      `json:"name"`
	Persona string      `json:"persona"`
	Form    string      `json:"form"`
	Cards   []ReadyCard `json:"cards"`
}

// ReadyCard is a card with what its account holds at the start.
type ReadyCard struct {
	Slot     int            `json:"slot"`
	Alias    string         `json:"alias"`
	Balance  money.Amount   `json:"balance"`
	Currency money.Currency `json:"currency"`
}

// ReadyESME is an account at the carrier that anybody may bind with.
type ReadyESME struct {
	SystemID     string `json:"system_id"`
	Password     string `json:"password"`
	AddressRange string `json:"address_range"`
}

// WriteReady writes a ready file whole: who waits for it never sees a part.
func WriteReady(path string, r Ready) error {
	r.PID = os.Getpid()
	if err := writeOwn(path, r); err != nil {
		return fmt.Errorf("write ready file: %w", err)
	}
	return nil
}

// writeOwn writes a file of its owner's alone, as JSON, whole or not at all.
func writeOwn(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), onlyOwnerDir); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ready-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// ReadReady reads the ready file of a running network.
func ReadReady(path string) (Ready, error) {
	var r Ready
	text, err := os.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("read ready file: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read ready file %s: %w", path, err)
	}
	return r, nil
}

// Ready is what the network says of itself.
func (w *World) Ready() Ready {
	r := Ready{
		HTTP: w.Platform.URL(), SMPP: w.Gateway.Address(), Handsets: w.Handsets.URL(), Shop: w.Merchant.URL(),
		Redis: w.config.Store.URL, OperatorKey: w.operatorKey, Carrier: w.Gateway.URL(), CarrierKey: w.carrierKey,
		Merchants: []ReadyMerchant{{
			ID: string(w.own.ID), Name: w.config.ShopName, APIKey: w.own.APIKey, WebhookSecret: w.own.WebhookSecret,
		}},
		Phones: []ReadyPhone{},
		ESMEs:  []ReadyESME{{SystemID: guestAccount, Password: w.password(guestAccount), AddressRange: guestRange}},
	}
	if w.own.ID == OwnMerchant {
		r.Merchants[0].Name = ownName
	}
	for _, p := range w.config.People {
		phone := ReadyPhone{MSISDN: string(p.Phone), Name: p.Name, Persona: p.Persona, Form: p.Form, Cards: []ReadyCard{}}
		for i, c := range p.Cards {
			phone.Cards = append(phone.Cards, ReadyCard{Slot: i + 1, Alias: c.Alias, Balance: w.balance(p, i+1, c.Balance), Currency: c.Currency})
		}
		r.Phones = append(r.Phones, phone)
	}
	return r
}
