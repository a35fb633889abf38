package webhook

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/billing"
)

// letter is a callback as its merchant's profile has it.
type letter struct {
	body        []byte
	contentType string
	sign        func(*http.Request) error             // nil: the body is signed by itself
	judge       func(answer []byte, status int) error // of a 2xx; nil: that is enough
}

func (d *Deliverer) letter(ctx context.Context, c billing.Callback) (letter, error) {
	p, err := d.config.Partner(ctx, c.Merchant)
	if err != nil {
		return letter{}, fmt.Errorf("find the keys of merchant %s: %w", c.Merchant, err)
	}
	if !p.Merchant.Profile.Signs() {
		return webhook(c, p)
	}
	identity, err := d.config.Identity(ctx)
	if err != nil {
		return letter{}, fmt.Errorf("find the platform's keys: %w", err)
	}
	if p.Merchant.Profile == platform.ProfileLegacy {
		return legacy(c, p, identity)
	}
	return modern(c, p, identity)
}

// webhook is a callback by Standard Webhooks.
func webhook(c billing.Callback, p api.Partner) (letter, error) {
	if len(p.Secrets) == 0 {
		return letter{}, fmt.Errorf("merchant %s has no webhook secret", c.Merchant)
	}
	return letter{body: c.Event, contentType: "application/json", sign: func(r *http.Request) error {
		api.SignCallback(r.Header, string(c.ID()), time.Now(), c.Event, p.Secrets...)
		return nil
	}}, nil
}

// modern is a callback by Standard Webhooks, signed by RFC 9421 besides.
func modern(c billing.Callback, p api.Partner, identity api.Identity) (letter, error) {
	l, err := webhook(c, p)
	if err != nil {
		return l, err
	}
	key, err := identity.Signer()
	if err != nil {
		return l, err
	}
	standard := l.sign
	l.sign = func(r *http.Request) error {
		if err := standard(r); err != nil {
			return err
		}
		return api.SignModernCallback(r, key)
	}
	return l, nil
}

// legacy is a callback as a signed form. Its answer must be one, too.
func legacy(c billing.Callback, p api.Partner, identity api.Identity) (letter, error) {
	key, err := identity.LegacySigner()
	if err != nil {
		return letter{}, err
	}
	serial := string(c.ID())
	body, err := api.LegacyCallback(c.Event, c.Merchant, serial, key)
	return letter{
		body: body, contentType: "application/x-www-form-urlencoded",
		judge: func(answer []byte, status int) error { return api.VerifyLegacyAck(answer, status, serial, p) },
	}, err
}
