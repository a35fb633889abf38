package signature

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dunglas/httpsfv"
)

// The two fields of RFC 9421 section 4.
const (
	HeaderInput     = "Signature-Input"
	HeaderSignature = "Signature"
)

// Tolerance is how far a signature's time may be from the verifier's clock.
const Tolerance = 5 * time.Minute

// Input says what a signature is to cover, and what it says of itself.
type Input struct {
	Label      string   // of the signature in its message; empty: sig
	Components []string // such as @method, content-digest, signature;req
	Created    time.Time
	Expires    time.Time // zero: it does not say
	Algorithm  bool      // say the key's algorithm too
	Nonce      string
	Tag        string // the application that the signature is for
}

// Sign signs a message by setting two fields of its header; signatures that are there stay.
func Sign(m Message, key SigningKey, in Input) error {
	if in.Label == "" {
		in.Label = "sig"
	}
	list, err := in.list(key)
	if err != nil {
		return err
	}
	text, err := m.base(list)
	if err != nil {
		return err
	}
	signature, err := key.sign([]byte(text))
	if err != nil {
		return fmt.Errorf("sign with a %s key: %w", key.algorithm, err)
	}
	params, err := httpsfv.Marshal(httpsfv.List{list})
	if err != nil {
		return err
	}
	m.Header.Add(HeaderInput, in.Label+"="+params)
	m.Header.Add(HeaderSignature, in.Label+"=:"+base64.StdEncoding.EncodeToString(signature)+":")
	return nil
}

// list is the input as RFC 9421 section 2.3 writes it.
func (in Input) list(key SigningKey) (httpsfv.InnerList, error) {
	list := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, text := range in.Components {
		item, err := identifier(text)
		if err != nil {
			return list, err
		}
		list.Items = append(list.Items, item)
	}
	list.Params.Add("created", in.Created.Unix())
	if !in.Expires.IsZero() {
		list.Params.Add("expires", in.Expires.Unix())
	}
	list.Params.Add("keyid", key.id)
	if in.Algorithm {
		list.Params.Add("alg", string(key.algorithm))
	}
	if in.Nonce != "" {
		list.Params.Add("nonce", in.Nonce)
	}
	if in.Tag != "" {
		list.Params.Add("tag", in.Tag)
	}
	return list, nil
}

// Policy is what a verifier insists on.
type Policy struct {
	Tag       string               // signatures with another tag are passed over; there must be exactly one with it
	Required  []string             // components that must be covered
	Accept    func(Verified) error // nil, or what else is asked of what the signature says
	Key       func(id string) (VerificationKey, error)
	Now       time.Time
	Tolerance time.Duration // 0 is [Tolerance]
}

// Verified is what a good signature said of itself.
type Verified struct {
	KeyID      string
	Algorithm  Algorithm
	Components []string
	Created    time.Time
	Nonce      string
}

// Covers says whether the signature covers a component.
func (v Verified) Covers(component string) bool { return slices.Contains(v.Components, component) }

// Verify judges a message's signature (RFC 9421 section 3.2). What the policy insists
// on is looked at before any key is used. The content is judged by its Content-Digest,
// which is the caller's to check: see [RequireContentDigest].
func Verify(m Message, p Policy) (Verified, error) {
	list, signature, err := pick(m.Header, p.Tag)
	if err != nil {
		return Verified{}, err
	}
	v, err := p.judge(list)
	if err != nil {
		return v, err
	}
	key, err := p.Key(v.KeyID)
	if err != nil {
		return v, err
	}
	if said := textParam(list, "alg"); said != "" && said != string(key.algorithm) {
		return v, ErrAlgorithm
	}
	v.Algorithm = key.algorithm
	text, err := m.base(list)
	if err != nil {
		return v, err
	}
	return v, key.verify([]byte(text), signature)
}

// KeyID answers the key that a message says it is signed with, before anything is verified.
func KeyID(h http.Header, tag string) (string, error) {
	list, _, err := pick(h, tag)
	if err != nil {
		return "", err
	}
	return textParam(list, "keyid"), nil
}

// pick finds the one signature with a tag.
func pick(h http.Header, tag string) (list httpsfv.InnerList, signature []byte, err error) {
	if len(h.Values(HeaderInput)) == 0 || len(h.Values(HeaderSignature)) == 0 {
		return list, nil, ErrUnsigned
	}
	inputs, err := httpsfv.UnmarshalDictionary(h.Values(HeaderInput))
	if err != nil {
		return list, nil, fmt.Errorf("%w: %s: %w", ErrMalformed, HeaderInput, err)
	}
	signatures, err := httpsfv.UnmarshalDictionary(h.Values(HeaderSignature))
	if err != nil {
		return list, nil, fmt.Errorf("%w: %s: %w", ErrMalformed, HeaderSignature, err)
	}
	label := ""
	for _, name := range inputs.Names() {
		member, _ := inputs.Get(name)
		l, ok := member.(httpsfv.InnerList)
		if !ok || textParam(l, "tag") != tag {
			continue
		}
		if label != "" {
			return list, nil, fmt.Errorf("%w: two signatures have the tag %q", ErrMalformed, tag)
		}
		label, list = name, l
	}
	if label == "" {
		return list, nil, ErrUnsigned
	}
	member, _ := signatures.Get(label)
	item, _ := member.(httpsfv.Item)
	signature, ok := item.Value.([]byte)
	if !ok {
		return list, nil, fmt.Errorf("%w: %s has no octets for %s", ErrMalformed, HeaderSignature, label)
	}
	return list, signature, nil
}

// judge looks at what a signature says of itself.
func (p Policy) judge(list httpsfv.InnerList) (Verified, error) {
	v := Verified{KeyID: textParam(list, "keyid"), Nonce: textParam(list, "nonce")}
	for _, item := range list.Items {
		v.Components = append(v.Components, written(item))
	}
	for _, required := range p.Required {
		if !v.Covers(required) {
			return v, fmt.Errorf("%w: %s", ErrCoverage, required)
		}
	}
	created, ok := timeParam(list, "created")
	if !ok {
		return v, fmt.Errorf("%w: created", ErrCoverage)
	}
	v.Created = created
	within := p.Tolerance
	if within == 0 {
		within = Tolerance
	}
	expires, limited := timeParam(list, "expires")
	if off := p.Now.Sub(created); off.Abs() > within || limited && !p.Now.Before(expires) {
		return v, ErrTimestamp
	}
	if p.Accept != nil {
		return v, p.Accept(v)
	}
	return v, nil
}

func textParam(list httpsfv.InnerList, name string) string {
	v, _ := list.Params.Get(name)
	text, _ := v.(string)
	return text
}

func timeParam(list httpsfv.InnerList, name string) (time.Time, bool) {
	v, _ := list.Params.Get(name)
	seconds, ok := v.(int64)
	return time.Unix(seconds, 0), ok
}
