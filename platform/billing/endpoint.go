package billing

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// endpointsHash has the endpoints of the partition's merchants that do not take callbacks.
const endpointsHash = "endpoints"

func endpointKey(m platform.MerchantID, url string) string { return string(m) + " " + url }

// mostEndpoints is how many endpoints of a merchant are noted: one whose every order names
// another is not to fill the store.
const mostEndpoints = 100

// noteEvery is the least time between two notes that an endpoint goes on failing.
const noteEvery = time.Minute

// endpointFailed notes that an endpoint does not take callbacks, and disables it when it
// wants no more, or has answered with nothing but failures for too long.
func (p *Partition) endpointFailed(tx *engine.Tx, in EndpointFailed) {
	const gone = 410
	if _, ok := p.merchants[in.Merchant]; !ok {
		return
	}
	key, now := endpointKey(in.Merchant, in.URL), tx.Now()
	e, known := p.endpoints[key]
	if !known {
		e = &platform.Endpoint{Merchant: in.Merchant, URL: in.URL, Since: now}
	}
	why := ""
	switch {
	case !e.Disabled.IsZero(), !known && p.troubled[in.Merchant] >= mostEndpoints:
		return
	case in.Status == gone:
		why = "it answered 410: it wants no more"
	case now.Sub(e.Since) >= p.config.Timing.DisableAfter:
		why = "it answered with nothing but failures for " + p.config.Timing.DisableAfter.String()
	case known && now.Sub(e.Last) < noteEvery:
		return
	}
	e.Last, e.Status, e.Problem = now, in.Status, in.Problem
	if why != "" {
		e.Disabled, e.Why = now, why
		p.endpointStory(tx, "disable_endpoint", CauseMerchant, e, story{Detail: why, Status: in.Status})
	}
	if !known {
		p.noteEndpoint(key, e)
	}
	tx.SetField(endpointsHash, key, encode(e))
}

// endpointWorks forgets an endpoint that takes callbacks again.
func (p *Partition) endpointWorks(tx *engine.Tx, in EndpointWorks) {
	e, ok := p.endpoints[endpointKey(in.Merchant, in.URL)]
	if !ok {
		return
	}
	if !e.Disabled.IsZero() {
		p.endpointStory(tx, "enable_endpoint", CauseMerchant, e, story{Detail: "it acknowledged a callback"})
	}
	p.forgetEndpoint(tx, e)
}

// enableEndpoint lets callbacks go to a disabled endpoint again. Those that are exhausted
// stay so until they are made by hand.
func (p *Partition) enableEndpoint(tx *engine.Tx, in platform.EnableEndpoint) error {
	e, ok := p.endpoints[endpointKey(in.Merchant, in.URL)]
	if !ok || e.Disabled.IsZero() {
		return &platform.Error{Code: platform.CodeNotFound, Field: "url", Detail: "no disabled endpoint of this merchant has this URL"}
	}
	cause, told := CauseMerchant, story{}
	if in.By != "" {
		cause, told = CauseOperator, story{By: in.By, Said: p.saying(in.Note)}
	}
	p.endpointStory(tx, "enable_endpoint", cause, e, told)
	p.forgetEndpoint(tx, e)
	return nil
}

func (p *Partition) noteEndpoint(key string, e *platform.Endpoint) {
	p.endpoints[key] = e
	p.troubled[e.Merchant]++
}

func (p *Partition) forgetEndpoint(tx *engine.Tx, e *platform.Endpoint) {
	key := endpointKey(e.Merchant, e.URL)
	delete(p.endpoints, key)
	if p.troubled[e.Merchant]--; p.troubled[e.Merchant] == 0 {
		delete(p.troubled, e.Merchant)
	}
	tx.DeleteField(endpointsHash, key)
}

func (p *Partition) endpointStory(tx *engine.Tx, name, cause string, e *platform.Endpoint, told story) {
	told.Endpoint = e.URL
	tx.Record(engine.Event{Subject: "merchant:" + string(e.Merchant), Name: name, Cause: cause, Data: told})
}

// endpointsKept is how long endpoints that were read are believed without looking again.
const endpointsKept = time.Second

// endpoints remembers the endpoints in trouble of each partition, for a moment.
type endpoints struct {
	mu    sync.Mutex
	known map[engine.Partition]foundEndpoints
}

type foundEndpoints struct {
	all map[string]platform.Endpoint // by endpointKey
	at  time.Time
}

// Endpoint answers what is wrong with an endpoint, if anything is. It may be as old as
// a second.
func (s *Service) Endpoint(ctx context.Context, m platform.MerchantID, url string) (platform.Endpoint, bool, error) {
	p, now := s.merchantPartition(m), time.Now()
	s.endpoints.mu.Lock()
	found, ok := s.endpoints.known[p]
	s.endpoints.mu.Unlock()
	if !ok || now.Sub(found.at) >= endpointsKept {
		found = foundEndpoints{all: make(map[string]platform.Endpoint), at: now}
		err := decodeFields(ctx, s.store.Read(p), endpointsHash, func(key string, e platform.Endpoint) { found.all[key] = e })
		if err != nil {
			return platform.Endpoint{}, false, unavailable("read the endpoints", err)
		}
		s.endpoints.mu.Lock()
		if s.endpoints.known == nil {
			s.endpoints.known = make(map[engine.Partition]foundEndpoints)
		}
		s.endpoints.known[p] = found
		s.endpoints.mu.Unlock()
	}
	e, ok := found.all[endpointKey(m, url)]
	return e, ok, nil
}

// forgetEndpoints has a partition's endpoints read again.
func (s *Service) forgetEndpoints(p engine.Partition) {
	s.endpoints.mu.Lock()
	defer s.endpoints.mu.Unlock()
	delete(s.endpoints.known, p)
}

// Endpoints lists the endpoints that do not take callbacks.
func (s *Service) Endpoints(ctx context.Context, m platform.MerchantID) ([]platform.Endpoint, error) {
	all := []platform.Endpoint{}
	for p := range s.config.Partitions {
		if m != "" && s.merchantPartition(m) != engine.Partition(p) {
			continue
		}
		err := decodeFields(ctx, s.store.Read(engine.Partition(p)), endpointsHash, func(_ string, e platform.Endpoint) {
			if m == "" || e.Merchant == m {
				all = append(all, e)
			}
		})
		if err != nil {
			return nil, unavailable("list endpoints", err)
		}
	}
	slices.SortFunc(all, func(a, b platform.Endpoint) int {
		return strings.Compare(endpointKey(a.Merchant, a.URL), endpointKey(b.Merchant, b.URL))
	})
	return all, nil
}

// EnableEndpoint lets callbacks go to a disabled endpoint again.
func (s *Service) EnableEndpoint(ctx context.Context, in platform.EnableEndpoint) error {
	if in.By != "" || in.Note != "" {
		if err := checkAct(in.By, in.Note); err != nil {
			return err
		}
	}
	return s.tellEndpoint(ctx, in.Merchant, in)
}

// EndpointFailed notes that an endpoint did not take a callback.
func (s *Service) EndpointFailed(ctx context.Context, in EndpointFailed) error {
	return s.tellEndpoint(ctx, in.Merchant, in)
}

// EndpointWorks notes that an endpoint takes callbacks again.
func (s *Service) EndpointWorks(ctx context.Context, in EndpointWorks) error {
	return s.tellEndpoint(ctx, in.Merchant, in)
}

func (s *Service) tellEndpoint(ctx context.Context, m platform.MerchantID, in any) error {
	p := s.merchantPartition(m)
	defer s.forgetEndpoints(p)
	_, err := s.do(ctx, p, in)
	return err
}
