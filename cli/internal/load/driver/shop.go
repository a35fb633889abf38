package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// shops are the merchants of a load: they order, and take callbacks. They write down what
// they were told, and do nothing about it.
type shops struct {
	book    *book
	clients []*api.Client
	readers []api.CallbackReader
	ids     []platform.MerchantID
	ln      net.Listener
	server  *http.Server
	ended   chan error

	answer func(reference string, attempt int) int
	forget func(reference string) bool
}

// openShops opens merchants at the office, and listens for their callbacks.
func openShops(ctx context.Context, c Config, n *Network, k *book) (*shops, error) {
	ln, err := n.Listen.Listen(ctx, net.JoinHostPort(n.Host, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen for callbacks: %w", err)
	}
	s := &shops{book: k, ln: ln, ended: make(chan error, 1), answer: c.answer, forget: c.forget}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /callbacks/{shop}", s.take)
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { s.ended <- s.server.Serve(ln) }()
	if err := s.open(ctx, c, n); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close ends them; the platform sees that nobody listens any more.
func (s *shops) close() error {
	err := s.server.Close()
	<-s.ended
	return err
}

// open opens the merchants. Their numbers are the first that are free.
func (s *shops) open(ctx context.Context, c Config, n *Network) error {
	there, err := n.Branch.Office.Merchants(ctx)
	if err != nil {
		return fmt.Errorf("open the shops: %w", err)
	}
	taken := make(map[platform.MerchantID]bool)
	for _, m := range there {
		taken[m.ID] = true
	}
	for number := firstMerchant; len(s.ids) < c.Shops; number++ {
		id := platform.MerchantID(strconv.Itoa(number))
		if taken[id] {
			continue
		}
		if err := s.openOne(ctx, c, n, id); err != nil {
			return fmt.Errorf("open shop %d: %w", len(s.ids)+1, err)
		}
	}
	return nil
}

// firstMerchant is the first number that a load's shop may have.
const firstMerchant = 30_000_001

func (s *shops) openOne(ctx context.Context, c Config, n *Network, id platform.MerchantID) error {
	shop := len(s.ids)
	opened, signing, err := world.OpenSigning(ctx, n.Branch.Office, api.Merchant{
		ID: id, Name: fmt.Sprintf("Load %d", shop+1), CallbackURL: fmt.Sprintf("http://%s/callbacks/%d", s.ln.Addr(), shop), Profile: c.Profile,
	})
	if problem, ok := errors.AsType[*api.Problem](err); ok && problem.Status == http.StatusConflict {
		return nil // another load was quicker
	}
	if err != nil {
		return err
	}
	client, reader, err := sidesOf(opened, signing, n)
	if err != nil {
		return err
	}
	s.ids, s.readers, s.clients = append(s.ids, id), append(s.readers, reader), append(s.clients, client)
	return nil
}

// sidesOf are a merchant's two sides: with one it orders, with the other it reads callbacks.
func sidesOf(opened api.OpenedMerchant, signing world.Signing, n *Network) (*api.Client, api.CallbackReader, error) {
	var secrets []api.WebhookSecret
	if opened.WebhookSecret != "" { // there is none of profile legacy
		secret, err := api.ParseWebhookSecret(opened.WebhookSecret)
		if err != nil {
			return nil, nil, err
		}
		secrets = append(secrets, secret)
	}
	asking := api.ClientConfig{BaseURL: n.Platform, Key: api.Key(opened.APIKey), HTTP: n.HTTP}
	side, err := signing.Side(asking, secrets...)
	if err != nil {
		return nil, nil, err
	}
	var reader api.CallbackReader = api.Webhooks(secrets)
	if side != nil {
		asking.Signer, reader = side, side
	}
	client, err := api.NewClient(asking)
	return client, reader, err
}

// take takes a callback: verified, written down, acknowledged.
func (s *shops) take(w http.ResponseWriter, r *http.Request) {
	shop, err := strconv.Atoi(r.PathValue("shop"))
	if err != nil || shop < 0 || shop >= len(s.readers) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, api.MaxBody))
	if err != nil {
		return // it did not come whole, and comes again
	}
	_, c, err := s.readers[shop].ReadCallback(r, body)
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if status := s.write(r.Context(), shop, c); status != http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	s.readers[shop].Acknowledge(w, r, body)
}

// write writes a callback down, and answers the status for it.
func (s *shops) write(ctx context.Context, shop int, c api.Callback) int {
	if ctx.Err() != nil {
		s.book.late(shop, c)
		return http.StatusRequestTimeout // nobody reads it
	}
	if s.forget != nil && s.forget(c.Data.Reference) {
		return http.StatusNoContent
	}
	return s.book.callback(shop, c, func(attempt int) int {
		if s.answer == nil {
			return http.StatusNoContent
		}
		return s.answer(c.Data.Reference, attempt)
	})
}
