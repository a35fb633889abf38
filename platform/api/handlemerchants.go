package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// merchants are the routes of the office that are about merchants.
func (h *Handler) merchants() {
	h.mux.HandleFunc("POST /v1/office/merchants", h.operator(h.addMerchant))
	h.mux.HandleFunc("GET /v1/office/merchants", h.operator(h.listMerchants))
	if h.config.Keyring != nil {
		h.mux.HandleFunc("POST /v1/office/merchants/{id}/keys", h.operator(h.changeMerchantKeys))
		h.mux.HandleFunc("POST /v1/office/keys", h.operator(h.changePlatformKeys))
	}
}

func (h *Handler) listMerchants(r *http.Request, _ []byte) (answer, error) {
	merchants, err := h.config.Office.Merchants(r.Context())
	return ok(merchantsOf(merchants), err)
}

func (h *Handler) addMerchant(r *http.Request, body []byte) (answer, error) {
	m, err := readMerchant(body)
	if err != nil {
		return answer{}, err
	}
	if m.Profile.Signs() && h.config.Keyring == nil {
		return answer{}, invalid("profile", "this platform has no keys to sign with; leave it out")
	}
	keys, err := h.config.Office.AddMerchant(r.Context(), m)
	if err != nil {
		return answer{}, err
	}
	opened := OpenedMerchant{MerchantKeys: MerchantKeys(keys)}
	if m.Profile.Signs() {
		identity, err := h.config.Keyring.Identity(r.Context())
		if err != nil {
			return answer{}, err
		}
		public := identity.Public()
		opened.PlatformKeys = &public
	}
	return answer{status: http.StatusCreated, body: opened}, nil
}

// showKeys answers anybody with what the platform publishes of its keys.
func (h *Handler) showKeys(w http.ResponseWriter, r *http.Request) {
	identity, err := h.config.Keyring.Identity(r.Context())
	h.respond(w, r, answer{status: http.StatusOK, body: identity.Public()}, err)
}

func (h *Handler) changeMerchantKeys(r *http.Request, body []byte) (answer, error) {
	m, err := platform.ParseMerchantID(r.PathValue("id"))
	if err != nil {
		return answer{}, &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such merchant"}
	}
	return h.changeKeys(r, m, body, platform.KeyPublic, platform.KeyAPI, platform.KeyWebhook, platform.KeyField)
}

func (h *Handler) changePlatformKeys(r *http.Request, body []byte) (answer, error) {
	return h.changeKeys(r, "", body, platform.KeySigning, platform.KeySealing, platform.KeyLegacy)
}

func (h *Handler) changeKeys(r *http.Request, m platform.MerchantID, body []byte, kinds ...platform.KeyKind) (answer, error) {
	change, err := readKeyChange(body, kinds...)
	if err != nil {
		return answer{}, err
	}
	change.Merchant = m
	keys, err := h.config.Keyring.ChangeKeys(r.Context(), change)
	return ok(MerchantKeys(keys), err)
}

// Bounds of a change of keys.
const (
	maxWho = 64   // characters
	maxWhy = 200  // characters
	maxPEM = 4096 // octets
)

func readKeyChange(body []byte, kinds ...platform.KeyKind) (platform.KeyChange, error) {
	o, err := readObject(body, "act", "kind", "public_key", "key_id", "by", "note")
	if err != nil {
		return platform.KeyChange{}, err
	}
	words := make([]string, 0, len(kinds))
	for _, k := range kinds {
		words = append(words, string(k))
	}
	change := platform.KeyChange{
		Act:  platform.KeyAct(o.oneOf("act", string(platform.KeyRotate), string(platform.KeyRetire))),
		Kind: platform.KeyKind(o.oneOf("kind", words...)),
	}
	change.Public.ID = o.text("key_id", maxName)
	if change.Kind == platform.KeyPublic && change.Act == platform.KeyRotate && o.require("public_key") {
		change.Public = o.publicKey("public_key", o.values["public_key"])
	}
	o.require("by")
	change.By = o.text("by", maxWho)
	o.require("note")
	change.Note = o.text("note", maxWhy)
	return change, o.err
}

// publicKey reads a key as PEM in a string, as a JWK, or as an object with pem.
func (o *object) publicKey(path string, value json.RawMessage) platform.PublicKey {
	text := []byte(value)
	var inPEM string
	if json.Unmarshal(value, &inPEM) == nil {
		text = []byte(inPEM)
	}
	if len(text) > maxPEM {
		o.fail(path, "is larger than %d octets", maxPEM)
		return platform.PublicKey{}
	}
	v, err := signature.ParseVerificationKey(text)
	if err != nil {
		o.fail(path, "%s", err)
		return platform.PublicKey{}
	}
	encoded, err := v.PEM()
	if err != nil {
		o.fail(path, "%s", err)
	}
	return platform.PublicKey{ID: v.ID(), Algorithm: string(v.Algorithm()), PEM: string(encoded)}
}

// maxPublicKeys is how many keys of a merchant are good at a time.
const maxPublicKeys = 2

func readMerchant(body []byte) (platform.Merchant, error) {
	o, err := readObject(body, "id", "name", "payees", "callback_url", "profile", "public_key", "keys", "by")
	if err != nil {
		return platform.Merchant{}, err
	}
	o.require("id")
	id, err := platform.ParseMerchantID(o.text("id", maxName))
	if err != nil {
		o.fail("id", "a merchant number has 8 digits and does not start with 0")
	}
	o.require("name")
	o.text("by", maxBy) // for the log
	m := platform.Merchant{ID: id, Name: o.text("name", maxName), CallbackURL: o.link("callback_url")}
	if o.has("payees") {
		m.Payees = o.strings("payees")
	}
	if o.has("profile") {
		m.Profile = platform.Profile(o.oneOf("profile", string(platform.ProfileKey), string(platform.ProfileModern), string(platform.ProfileLegacy)))
	}
	m.Keys = o.publicKeys(m.Profile)
	if o.err != nil {
		return platform.Merchant{}, o.err
	}
	return m, nil
}

// publicKeys reads public_key, or keys, which a merchant that signs must have.
func (o *object) publicKeys(p platform.Profile) []platform.PublicKey {
	var keys []platform.PublicKey
	if o.has("public_key") {
		keys = append(keys, o.publicKey("public_key", o.values["public_key"]))
	}
	if o.has("keys") {
		for i, value := range o.list("keys", maxPublicKeys) {
			var k platform.PublicKey
			path := fmt.Sprintf("keys[%d].pem", i)
			if json.Unmarshal(value, &k) != nil || k.PEM == "" {
				o.fail(path, "must be a public key in PEM")
				continue
			}
			text, _ := json.Marshal(k.PEM) // a string
			keys = append(keys, o.publicKey(path, text))
		}
	}
	switch {
	case p.Signs() && len(keys) == 0:
		o.fail("public_key", "a merchant of profile %s signs: give its public key, in PEM or as a JWK", p)
	case !p.Signs() && len(keys) > 0:
		o.fail("public_key", "a merchant of profile key does not sign; give profile modern or legacy, or leave it out")
	case len(keys) > maxPublicKeys:
		o.fail("keys", "has more than %d entries", maxPublicKeys)
	}
	return keys
}

// strings reads an array of accounts.
func (o *object) strings(name string) []string {
	var payees []string
	for i, value := range o.list(name, maxPayees) {
		path := fmt.Sprintf("%s[%d]", name, i)
		inner := &object{values: map[string]json.RawMessage{path: value}}
		inner.require(path)
		payees = append(payees, inner.text(path, MaxPayee))
		if o.err == nil {
			o.err = inner.err
		}
	}
	return payees
}
