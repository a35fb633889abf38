package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/merchant/orderbook"
	"github.com/airtill/airtill/platform/api"
)

// MerchantConfig is what a shop needs.
type MerchantConfig struct {
	Network       network.Network
	Name          string
	Listen        string // address of the shop's own face, where callbacks come in too
	CallbackURL   string // where the platform reaches it; empty: where it listens
	Platform      string // base URL
	APIKey        api.Key
	WebhookSecret string  // none of profile legacy
	Signing       Signing // of a merchant that signs
	SMSC          string  // address of the carrier
	SystemID      string  // at the carrier
	Password      string
	Catalogue     []merchant.Item // nil: the default one
	ExpiresIn     time.Duration
	Orders        string    // file that keeps the orders; empty: they end with the room
	Random        io.Reader // for order numbers and tickets; nil is crypto/rand
	Wrap          func(http.Handler) http.Handler
	Log           zerolog.Logger
}

// Merchant is the shop's room.
type Merchant struct {
	Shop    *merchant.Shop
	esme    *esme.Client
	handler http.Handler
	book    *orderbook.Book // nil: orders end with the room
	ln      net.Listener
}

// NewMerchant makes a shop that listens already.
func NewMerchant(ctx context.Context, c MerchantConfig) (*Merchant, error) {
	c.Log = c.Log.With().Str("room", "merchant").Logger()
	ln, err := c.Network.Listen(ctx, c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w", err)
	}
	if c.CallbackURL == "" {
		c.CallbackURL = URL(ln) + CallbackPath
	}
	m := &Merchant{ln: ln}
	if err := m.build(c); err != nil {
		return nil, errors.Join(err, ln.Close(), m.closeBook())
	}
	return m, nil
}

// mostOrders is how many orders a shop remembers.
const mostOrders = 100_000

// openBook opens the file of orders, if they are to be kept.
func (m *Merchant) openBook(path string, into *merchant.Config) (err error) {
	into.Keep = mostOrders
	if path == "" {
		return nil
	}
	if m.book, into.Orders, err = orderbook.Open(path, mostOrders); err == nil {
		into.Book = m.book
	}
	return err
}

func (m *Merchant) closeBook() error {
	if m.book == nil {
		return nil
	}
	return m.book.Close()
}

// CallbackPath is where a shop takes callbacks.
const CallbackPath = "/airtill"

func (m *Merchant) build(c MerchantConfig) error {
	secrets, err := c.secrets()
	if err != nil {
		return err
	}
	asking := api.ClientConfig{BaseURL: c.Platform, Key: c.APIKey, HTTP: HTTPClient(c.Network)}
	mine, err := c.Signing.Side(asking, secrets...)
	if err != nil {
		return err
	}
	var callbacks api.CallbackReader
	if mine != nil {
		asking.Signer, asking.Key, callbacks = mine, "", mine
	}
	platform, err := api.NewClient(asking)
	if err != nil {
		return err
	}
	m.esme, err = esme.New(esme.Config{
		Dial: dialer(c.Network, c.SMSC), SystemID: c.SystemID, Password: c.Password, SystemType: "SHOP",
		Mode: esme.Transmitter, Log: c.Log,
	})
	if err != nil {
		return err
	}
	shop := merchant.Config{
		Name: c.Name, Platform: platform, Secrets: secrets, Callbacks: callbacks,
		Texter: merchant.NewSMS(m.esme, ShopAddress), CallbackURL: c.CallbackURL,
		Catalogue: c.Catalogue, ExpiresIn: c.ExpiresIn, Random: c.Random, Log: c.Log,
	}
	if err := m.openBook(c.Orders, &shop); err != nil {
		return err
	}
	if m.Shop, err = merchant.New(shop); err != nil {
		return err
	}
	m.handler = m.Shop
	if c.Wrap != nil {
		m.handler = c.Wrap(m.Shop)
	}
	return nil
}

// secrets are the webhook secrets, separated by blanks: two while they change.
func (c MerchantConfig) secrets() ([]api.WebhookSecret, error) {
	var all []api.WebhookSecret
	for text := range strings.FieldsSeq(c.WebhookSecret) {
		secret, err := api.ParseWebhookSecret(text)
		if err != nil {
			return nil, err
		}
		all = append(all, secret)
	}
	return all, nil
}

// URL is where the shop's face is.
func (m *Merchant) URL() string { return URL(m.ln) }

// Ready answers once the carrier is bound.
func (m *Merchant) Ready(ctx context.Context) error { return m.esme.WaitBound(ctx) }

// Run keeps the shop open until ctx ends: callbacks that were acknowledged are
// followed up, and their notices sent, before the carrier is unbound.
func (m *Merchant) Run(ctx context.Context) error {
	esmeCtx, unbind := context.WithCancel(context.WithoutCancel(ctx))
	defer unbind()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serveHTTP(gctx, m.ln, m.handler) })
	g.Go(func() error { defer unbind(); return m.Shop.Run(gctx) })
	g.Go(func() error { return m.esme.Run(esmeCtx) })
	return errors.Join(g.Wait(), m.closeBook())
}
