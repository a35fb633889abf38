package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// ErrUnknown is a request without a definite answer: it may be done. The same request
// again, with the same reference or idempotency key, finds out.
var ErrUnknown = errors.New("outcome unknown")

// ClientConfig says where the platform is and who is asking.
type ClientConfig struct {
	BaseURL string        // such as http://127.0.0.1:8080
	Key     Key           // the merchant's API key, or the operator's
	HTTP    *http.Client  // nil: one of its own with a timeout of 30 s; redirects are never followed
	Signer  RequestSigner // of the merchant's profile; nil: requests are not signed
}

// Validate says what is missing or wrong.
func (c ClientConfig) Validate() error {
	if problem := checkURL(c.BaseURL); problem != "" {
		return fmt.Errorf("platform address %q: %s", c.BaseURL, problem)
	}
	return nil
}

// Client asks the platform what a merchant may ask. Its errors are a [*Problem] when
// the platform answered one, and wrap [ErrUnknown] when the outcome is not known. It is safe
// for concurrent use.
type Client struct{ caller }

// NewClient makes a merchant's client.
func NewClient(config ClientConfig) (*Client, error) {
	c, err := newCaller(config)
	if err != nil {
		return nil, err
	}
	return &Client{c}, nil
}

// CreateBill sends an order (S4). With an empty idempotency key the reference serves.
func (c *Client) CreateBill(ctx context.Context, order Order, idempotencyKey string) (Bill, error) {
	header := http.Header{}
	if idempotencyKey == "" && c.signer != nil {
		idempotencyKey = order.Reference // what is signed must be there once
	}
	if idempotencyKey != "" {
		header.Set(headerIdempotency, quote(idempotencyKey))
	}
	return post[Bill](ctx, c.caller, "/v1/bills", header, order)
}

// Bill asks for one bill.
func (c *Client) Bill(ctx context.Context, id platform.BillID) (Bill, error) {
	return get[Bill](ctx, c.caller, billPath(id))
}

// Bills asks for one page of bills, newest first.
func (c *Client) Bills(ctx context.Context, q Query) (Page, error) {
	return get[Page](ctx, c.caller, "/v1/bills"+q.encode())
}

// CancelBill withdraws a bill that is not paid yet.
func (c *Client) CancelBill(ctx context.Context, id platform.BillID) (Bill, error) {
	return post[Bill](ctx, c.caller, billPath(id)+"/cancel", nil, nil)
}

// Events asks for a bill's story, oldest first.
func (c *Client) Events(ctx context.Context, id platform.BillID) ([]platform.Event, error) {
	e, err := get[Events](ctx, c.caller, billPath(id)+"/events")
	return e.Events, err
}

// PlatformKeys asks for what the platform publishes of its keys. The answer is not signed.
func (c *Client) PlatformKeys(ctx context.Context) (signature.KeySet, error) {
	plain := c.caller
	plain.signer = nil
	return get[signature.KeySet](ctx, plain, "/v1/keys")
}

func billPath(id platform.BillID) string { return "/v1/bills/" + url.PathEscape(string(id)) }

func (q Query) encode() string {
	return encodeQuery(map[string]string{"state": string(q.State), "reference": q.Reference, "day": q.Day, "after": string(q.After)}, q.Limit)
}

// encodeQuery is the query of a list, without what is empty; a limit of 0 is none.
func encodeQuery(said map[string]string, limit int) string {
	v := url.Values{}
	for name, value := range said {
		if value != "" {
			v.Set(name, value)
		}
	}
	if limit != 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// OfficeClient asks the platform what its staff may ask, with the operator's key.
type OfficeClient struct{ caller }

// NewOfficeClient makes a client with the operator's key.
func NewOfficeClient(config ClientConfig) (*OfficeClient, error) {
	c, err := newCaller(config)
	if err != nil {
		return nil, err
	}
	return &OfficeClient{c}, nil
}

// BranchKey asks for the public key that enrolment secrets are sealed to.
func (c *OfficeClient) BranchKey(ctx context.Context) ([]byte, error) {
	k, err := get[BranchKey](ctx, c.caller, "/v1/office/branch-key")
	return k.PublicKey, err
}

// Enrol opens mobile payment for a person (S1).
func (c *OfficeClient) Enrol(ctx context.Context, e Enrolment) (Enrolled, error) {
	return post[Enrolled](ctx, c.caller, "/v1/office/enrolments", nil, e)
}

// EnrolBatch opens mobile payment for up to [MaxBatch] people. What became of each is in
// its row of the answer, in their order.
func (c *OfficeClient) EnrolBatch(ctx context.Context, b EnrolmentBatch) ([]BatchRow, error) {
	done, err := post[EnrolledBatch](ctx, c.caller, "/v1/office/enrolments/batch", nil, b)
	if err == nil && len(done.Enrolled) != len(b.Enrolments) {
		err = fmt.Errorf("%w: %d rows were answered of %d", ErrUnknown, len(done.Enrolled), len(b.Enrolments))
	}
	return done.Enrolled, err
}

// Phones lists who is enrolled.
func (c *OfficeClient) Phones(ctx context.Context) ([]Phone, error) {
	whole := c.caller
	whole.most = maxPhones
	p, err := get[Phones](ctx, whole, "/v1/office/phones")
	return p.Phones, err
}

// maxPhones bounds the list of all phones: a million have room.
const maxPhones = 512 << 20

// Unlock lets a card entry take PINs again.
func (c *OfficeClient) Unlock(ctx context.Context, phone gateway.MSISDN, u Unlock) error {
	_, err := post[struct{}](ctx, c.caller, "/v1/office/phones/"+url.PathEscape(string(phone))+"/unlock", nil, u)
	return err
}

// Release ends the hold on a phone whose element seemed to be there twice.
func (c *OfficeClient) Release(ctx context.Context, phone gateway.MSISDN, r Release) error {
	_, err := post[struct{}](ctx, c.caller, "/v1/office/phones/"+url.PathEscape(string(phone))+"/release", nil, r)
	return err
}

// Alarms asks what operators should look at.
func (c *OfficeClient) Alarms(ctx context.Context) (Alarms, error) {
	return get[Alarms](ctx, c.caller, "/v1/office/alarms")
}

// AddMerchant opens a merchant; the answer is the one place its keys are told.
func (c *OfficeClient) AddMerchant(ctx context.Context, m Merchant) (MerchantKeys, error) {
	opened, err := c.OpenMerchant(ctx, m)
	return opened.MerchantKeys, err
}

// OpenMerchant is AddMerchant, and answers the platform's public keys to a merchant that signs.
func (c *OfficeClient) OpenMerchant(ctx context.Context, m Merchant) (OpenedMerchant, error) {
	return c.OpenMerchantBy(ctx, m, "")
}

// OpenMerchantBy is OpenMerchant, and says in the office's log who does it.
func (c *OfficeClient) OpenMerchantBy(ctx context.Context, m Merchant, by string) (OpenedMerchant, error) {
	return post[OpenedMerchant](ctx, c.caller, "/v1/office/merchants", nil, struct {
		Merchant
		By string `json:"by,omitempty"`
	}{m, by})
}

// ChangeMerchantKeys is an operator's act on a merchant's keys; the answer is the one
// place where new secrets are told.
func (c *OfficeClient) ChangeMerchantKeys(ctx context.Context, m platform.MerchantID, change KeyChange) (MerchantKeys, error) {
	return post[MerchantKeys](ctx, c.caller, "/v1/office/merchants/"+url.PathEscape(string(m))+"/keys", nil, change)
}

// ChangePlatformKeys is an operator's act on the platform's own keys.
func (c *OfficeClient) ChangePlatformKeys(ctx context.Context, change KeyChange) error {
	_, err := post[MerchantKeys](ctx, c.caller, "/v1/office/keys", nil, change)
	return err
}

// Merchants lists the merchants with their balances.
func (c *OfficeClient) Merchants(ctx context.Context) ([]Merchant, error) {
	m, err := get[Merchants](ctx, c.caller, "/v1/office/merchants")
	return m.Merchants, err
}

// caller sends requests and reads answers.
type caller struct {
	base   string
	key    Key
	http   *http.Client
	signer RequestSigner
	most   int64 // octets of an answer; 0 is maxAnswer
}

// clientTimeout bounds a request of a client that was given no http.Client.
const clientTimeout = 30 * time.Second

func newCaller(config ClientConfig) (caller, error) {
	if err := config.Validate(); err != nil {
		return caller{}, err
	}
	own := http.Client{Timeout: clientTimeout}
	if config.HTTP != nil {
		own = *config.HTTP
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return caller{base: strings.TrimRight(config.BaseURL, "/"), key: config.Key, http: &own, signer: config.Signer}, nil
}

func get[T any](ctx context.Context, c caller, path string) (T, error) {
	var answer T
	r, err := c.request(ctx, http.MethodGet, path, nil)
	if err == nil {
		err = c.send(r, nil, &answer)
	}
	return answer, err
}

func post[T any](ctx context.Context, c caller, path string, header http.Header, question any) (T, error) {
	var answer T
	var body []byte
	if question != nil {
		var err error
		if body, err = json.Marshal(question); err != nil {
			return answer, fmt.Errorf("write the request: %w", err)
		}
	}
	r, err := c.request(ctx, http.MethodPost, path, body)
	if err != nil {
		return answer, err
	}
	maps.Copy(r.Header, header)
	err = c.send(r, body, &answer)
	return answer, err
}

func (c caller) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r.Header.Set("Accept", contentJSON+", "+contentProblem)
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	}
	if body != nil {
		r.Header.Set("Content-Type", contentJSON)
		r.Header.Set(headerDigest, ContentDigest(body))
	}
	return r, nil
}

// send sends a request, once, and reads the answer.
func (c caller) send(r *http.Request, body []byte, answer any) error {
	if c.signer != nil {
		if err := c.signer.SignRequest(r, body); err != nil {
			return fmt.Errorf("sign %s %s: %w", r.Method, r.URL.Path, err)
		}
	}
	response, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	defer response.Body.Close()
	return c.readAnswer(r, response, answer)
}

// maxAnswer bounds an answer: a full page of bills with the largest goods has room.
const maxAnswer = 8 << 20

func (c caller) readAnswer(r *http.Request, response *http.Response, answer any) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, cmp.Or(c.most, maxAnswer)))
	if err != nil {
		return fmt.Errorf("%w: read the answer: %w", ErrUnknown, err)
	}
	if err := VerifyContentDigest(response.Header.Values(headerDigest), body); err != nil {
		return fmt.Errorf("%w: the answer: %w", ErrUnknown, err)
	}
	if c.signer != nil {
		plain, err := c.signer.VerifyAnswer(r, response, body)
		if err != nil {
			return unsigned(response, body, err)
		}
		body = plain
	}
	if response.StatusCode/100 != 2 {
		return refused(response, body)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("%w: read the answer: %w", ErrUnknown, err)
	}
	return nil
}

// unsigned is an answer that anybody could have given: what was asked for may be done
// or not, whatever it says.
func unsigned(response *http.Response, body []byte, err error) error {
	if response.StatusCode/100 == 2 {
		return fmt.Errorf("%w: the answer: %w", ErrUnknown, err)
	}
	return fmt.Errorf("%w: the answer: %w: %w", ErrUnknown, err, refused(response, body))
}

// refused is the problem that an answer holds, or one made of its status when
// something in between answered.
func refused(response *http.Response, body []byte) error {
	p := &Problem{}
	media, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	if media != contentProblem || json.Unmarshal(body, p) != nil || p.Status != response.StatusCode {
		p = &Problem{Type: "about:blank", Title: http.StatusText(response.StatusCode), Status: response.StatusCode}
	}
	if p.Unknown() {
		return fmt.Errorf("%w: %w", ErrUnknown, p)
	}
	return p
}
