package world

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/handsetsim/fleet"
)

// Numbers are a run of subscribers' numbers: a prefix, and an index of fixed width
// that counts from 1.
type Numbers struct {
	Prefix string
	Count  int
}

// ErrNumbers says that there are no such numbers.
var ErrNumbers = errors.New("a prefix and its index have 7 to 15 digits, and do not begin with 0")

// leastIndex is the width of an index, unless more are counted.
const leastIndex = 5

func (n Numbers) width() int { return max(leastIndex, len(strconv.Itoa(n.Count))) }

// At is the i-th number, from 1.
func (n Numbers) At(i int) gateway.MSISDN {
	return gateway.MSISDN(fmt.Sprintf("%s%0*d", n.Prefix, n.width(), i))
}

// Validate says whether there are such numbers.
func (n Numbers) Validate() error {
	if _, err := gateway.ParseMSISDN(string(n.At(n.Count))); err != nil || n.Count < 1 || n.Prefix == "" || n.Prefix[0] == '+' {
		return ErrNumbers
	}
	return nil
}

// Range is the regular expression of all numbers of the prefix and width.
func (n Numbers) Range() string {
	return fmt.Sprintf("^%s[0-9]{%d}$", regexp.QuoteMeta(n.Prefix), n.width())
}

// CarrierConfig is a carrier with phones of its own.
type CarrierConfig struct {
	Gateway GatewayConfig
	Phones  Numbers // none without a Count
	Control string  // address for the phones' control face
}

// Carrier is the carrier's room, and that of its own phones, if it has any.
type Carrier struct {
	*Gateway
	handsets *Handsets
	phones   Numbers
}

// ErrTaken says that an account has the name that a carrier's own phones bind with.
var ErrTaken = errors.New("an account cannot be called " + handsetsAccount + ": the carrier's own phones are")

// NewCarrier makes a carrier that listens already.
func NewCarrier(ctx context.Context, c CarrierConfig) (*Carrier, error) {
	if c.Phones.Count == 0 {
		g, err := NewGateway(ctx, c.Gateway)
		return &Carrier{Gateway: g}, err
	}
	if err := c.Phones.Validate(); err != nil {
		return nil, err
	}
	own := smsc.Account{
		SystemID: handsetsAccount, Password: drawPassword(), AddressRange: c.Phones.Range(), Kind: smsc.Subscribers, Window: platformWindow,
	}
	if slices.ContainsFunc(c.Gateway.Accounts, func(a smsc.Account) bool { return a.SystemID == own.SystemID }) {
		return nil, ErrTaken
	}
	c.Gateway.Accounts = append([]smsc.Account{own}, c.Gateway.Accounts...)
	g, err := NewGateway(ctx, c.Gateway)
	if err != nil {
		return nil, err
	}
	h, err := NewHandsets(ctx, HandsetsConfig{
		Network: c.Gateway.Network, Listen: c.Control, SMSC: g.Address(), SystemID: own.SystemID, Password: own.Password,
		Seed: c.Gateway.Seed, Log: c.Gateway.Log,
	})
	if err == nil {
		err = h.equip(c.Phones)
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return &Carrier{Gateway: g, handsets: h, phones: c.Phones}, nil
}

// drawPassword draws one that only this process knows.
func drawPassword() string {
	var octets [4]byte
	_, _ = rand.Read(octets[:]) // never fails
	return hex.EncodeToString(octets[:])
}

// equip makes plain phones that do as they are told.
func (h *Handsets) equip(n Numbers) error {
	for i := range n.Count {
		if _, err := h.fleet.Add(fleet.NewPhone{MSISDN: n.At(i + 1), Form: "none"}); err != nil {
			return fmt.Errorf("make phone %d: %w", i+1, err)
		}
	}
	return nil
}

// ControlURL is where the phones' control face is; empty if there are none.
func (c *Carrier) ControlURL() string {
	if c.handsets == nil {
		return ""
	}
	return c.handsets.URL()
}

// ReadyPhones are the carrier's own phones, as a ready file has them.
func (c *Carrier) ReadyPhones() []ReadyPhone {
	all := []ReadyPhone{}
	for i := range c.phones.Count {
		all = append(all, ReadyPhone{MSISDN: string(c.phones.At(i + 1)), Persona: "manual", Form: "none", Cards: []ReadyCard{}})
	}
	return all
}

// Ready answers once the carrier runs and its phones are bound.
func (c *Carrier) Ready(ctx context.Context) error {
	if err := c.Gateway.Ready(ctx); err != nil || c.handsets == nil {
		return err
	}
	return c.handsets.Ready(ctx)
}

// Run serves until ctx ends: the phones unbind first.
func (c *Carrier) Run(ctx context.Context) error {
	if c.handsets == nil {
		return c.Gateway.Run(ctx)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	under, stopCarrier := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCarrier()
	var g errgroup.Group
	g.Go(func() error {
		defer stop()
		return c.Gateway.Run(under)
	})
	err := c.handsets.Run(ctx)
	stopCarrier()
	return errors.Join(err, g.Wait())
}
