package world

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// ShopMerchant is the number of the built-in shop's merchant.
const ShopMerchant platform.MerchantID = "10000001"

// openMerchant opens the shop's merchant in its profile.
func (w *World) openMerchant(ctx context.Context) (Signing, error) {
	opened, signing, err := OpenSigning(ctx, w.Office, api.Merchant{ID: ShopMerchant, Name: w.config.ShopName, Profile: w.config.Profile})
	w.Keys = platform.MerchantKeys(opened.MerchantKeys)
	return signing, err
}

// OwnMerchant is the number of a merchant of profile key. A network has it for commands
// and for curl when its shop's merchant signs.
const OwnMerchant platform.MerchantID = "10000002"

// openOwn opens the merchant that has an API key, unless the shop's is one.
func (w *World) openOwn(ctx context.Context) error {
	w.own = w.Keys
	if !w.config.Profile.Signs() {
		return nil
	}
	opened, err := w.Office.AddMerchant(ctx, api.Merchant{ID: OwnMerchant, Name: ownName})
	if err != nil {
		return fmt.Errorf("open a merchant for commands: %w", err)
	}
	w.own = platform.MerchantKeys(opened)
	return nil
}

const ownName = "Own System"

// openMerchants opens the shop's merchant and the one for commands, or finds the keys
// that they were opened with.
func (w *World) openMerchants(ctx context.Context) (signing Signing, err error) {
	if w.resumed() {
		l := w.config.Life
		w.Keys, w.own = l.Shop.keys(), l.Own.keys()
		return l.Shop.signing()
	}
	if signing, err = w.openMerchant(ctx); err != nil {
		return signing, fmt.Errorf("open the merchant: %w", err)
	}
	w.signing = signing
	return signing, w.openOwn(ctx)
}

func (w *World) openShop(ctx context.Context, g *errgroup.Group) error {
	c := w.config
	signing, err := w.openMerchants(ctx)
	if err != nil {
		return err
	}
	w.Bills, err = signing.Client(api.ClientConfig{BaseURL: w.Platform.URL(), Key: api.Key(w.Keys.APIKey), HTTP: HTTPClient(c.Network)})
	if err != nil {
		return err
	}
	w.Merchant, err = NewMerchant(ctx, MerchantConfig{
		Network: c.Network, Name: c.ShopName, Listen: orLoopback(c.Shop), Platform: w.Platform.URL(),
		APIKey: api.Key(w.Keys.APIKey), WebhookSecret: w.Keys.WebhookSecret, Signing: signing,
		SMSC: w.Gateway.Address(), SystemID: shopAccount, Password: w.password(shopAccount),
		Catalogue: c.Catalogue, ExpiresIn: c.Expiry, Orders: c.Life.orders(), Random: c.randomOf(seedShop), Wrap: c.Watch.Shop, Log: c.Log,
	})
	if err != nil {
		return err
	}
	g.Go(func() error { return w.Merchant.Run(ctx) })
	return w.Merchant.Ready(ctx)
}
