package management

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/airtill/airtill/gateway/metrics"
)

// serveMetrics says how the carrier is, to a Prometheus.
func (h *Handler) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var e metrics.Exposition
	h.measureServer(&e)
	h.measureAccounts(&e)
	h.measureFaults(&e)
	if h.config.USSD != nil {
		e.Add("ussd_sessions_open", "USSD sessions that are open.", metrics.Series{Value: float64(h.config.USSD.Open())})
	}
	e.Write(w)
}

func (h *Handler) measureServer(e *metrics.Exposition) {
	st := h.config.Server.Stats()
	ready := 1.0
	if h.config.Ready != nil && len(h.config.Ready()) > 0 {
		ready = 0
	}
	e.Add("ready", "Whether messages can be taken: 1, or 0 while readyz says why not.", metrics.Series{Value: ready})
	e.Add("smpp_connections", "SMPP connections, bound or not.", metrics.Series{Value: float64(st.Connections)})
	e.Add("messages_remembered", "Messages that can be asked for, finished ones too.", metrics.Series{Value: float64(st.Remembered)})
	bound := make(map[[2]string]int)
	for _, s := range h.config.Server.Sessions() {
		if s.Account != "" {
			bound[[2]string{s.Account, s.Mode}]++
		}
	}
	var all []metrics.Series
	for key, n := range bound {
		all = append(all, metrics.Series{Labels: metrics.Labels("account", key[0], "mode", key[1]), Value: float64(n)})
	}
	slices.SortFunc(all, func(x, y metrics.Series) int { return cmp.Compare(x.Labels, y.Labels) })
	e.Add("smpp_sessions", "Bound SMPP sessions.", all...)
}

// counted is what Counts has, by the name and labels it is exposed under.
var counted = []struct {
	name, help string
	label      string // of one of several with this name
	of         func(*Counts) uint64
}{
	{"messages_accepted_total", "Messages taken from an account.", "", func(c *Counts) uint64 { return c.Accepted }},
	{"messages_refused_total", "Messages refused to an account, throttled ones apart.", "", func(c *Counts) uint64 { return c.Refused }},
	{"messages_throttled_total", "Messages refused to an account over its rate or window.", "", func(c *Counts) uint64 { return c.Throttled }},
	{"deliveries_sent_total", "deliver_sm and data_sm sent to an account, receipts too.", "", func(c *Counts) uint64 { return c.Sent }},
	{"deliveries_deferred_total", "Attempts to deliver to an account's numbers that failed and are made again.", "", func(c *Counts) uint64 { return c.Deferred }},
	{"messages_ended_total", "Messages to an account's numbers by their final state.", "DELIVERED", func(c *Counts) uint64 { return c.Delivered }},
	{"messages_ended_total", "", "EXPIRED", func(c *Counts) uint64 { return c.Expired }},
	{"messages_ended_total", "", "DELETED", func(c *Counts) uint64 { return c.Deleted }},
	{"messages_ended_total", "", "UNDELIVERABLE", func(c *Counts) uint64 { return c.Undeliverable }},
	{"messages_ended_total", "", "REJECTED", func(c *Counts) uint64 { return c.Rejected }},
	{"messages_ended_total", "", "UNKNOWN", func(c *Counts) uint64 { return c.Lost }},
	{"receipts_total", "Receipts that an account took.", "", func(c *Counts) uint64 { return c.Receipts }},
	{"receipts_lost_total", "Receipts for an account that it will never get.", "", func(c *Counts) uint64 { return c.ReceiptsLost }},
}

func (h *Handler) measureAccounts(e *metrics.Exposition) {
	accounts := h.accounts()
	gauge := func(name, help string, of func(*Account) float64) {
		var all []metrics.Series
		for i := range accounts {
			all = append(all, metrics.Series{Labels: metrics.Labels("account", accounts[i].SystemID), Value: of(&accounts[i])})
		}
		e.Add(name, help, all...)
	}
	gauge("messages_waiting", "Messages that wait for an account's numbers.", func(a *Account) float64 { return float64(a.Stored) })
	gauge("receipts_waiting", "Receipts that wait for an account.", func(a *Account) float64 { return float64(a.Receipts) })
	gauge("account_rate_limit", "Messages a second that an account may submit, 0 without limit.", func(a *Account) float64 { return a.Rate })
	for _, c := range counted {
		var all []metrics.Series
		for i := range accounts {
			l := metrics.Labels("account", accounts[i].SystemID)
			if c.label != "" {
				l = metrics.Labels("account", accounts[i].SystemID, "state", c.label)
			}
			all = append(all, metrics.Series{Labels: l, Value: float64(c.of(&accounts[i].Counts))})
		}
		e.Add(c.name, c.help, all...)
	}
}

// measureFaults counts strikes of the faults that are set: one that is set anew begins
// at zero again, as a counter may.
func (h *Handler) measureFaults(e *metrics.Exposition) {
	if h.config.Faults == nil {
		return
	}
	var all []metrics.Series
	for _, f := range h.config.Faults.Get(time.Now()) {
		l := metrics.Labels("id", strconv.Itoa(f.ID), "operation", string(f.Fault.Operation), "effect", f.Fault.Effect.String(), "account", f.Fault.Account)
		all = append(all, metrics.Series{Labels: l, Value: float64(f.Struck)})
	}
	e.Add("fault_strikes_total", "How often a fault that is set has struck.", all...)
}
