package billing

import (
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
