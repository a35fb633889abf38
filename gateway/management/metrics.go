package management

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// series is a metric's value for an account, or for the whole carrier.
type series struct {
	labels string // {name="value"}, or none
	value  float64
}

// metric is a name with all its series.
type metric struct {
	name, help, kind string
	series           []series
}

// exposition is metrics in Prometheus' text format 0.0.4.
type exposition []metric

// counter names end in _total, as Prometheus' naming wants it.
func (e *exposition) add(name, help string, all ...series) {
	kind := "gauge"
	if strings.HasSuffix(name, "_total") {
		kind = "counter"
	}
	*e = append(*e, metric{"airtill_" + name, help, kind, all})
}

func (e exposition) String() string {
	var b strings.Builder
	for _, m := range e {
		b.WriteString("# HELP " + m.name + " " + m.help + "\n# TYPE " + m.name + " " + m.kind + "\n")
		for _, s := range m.series {
			b.WriteString(m.name + s.labels + " " + strconv.FormatFloat(s.value, 'g', -1, 64) + "\n")
		}
	}
	return b.String()
}

// labels writes pairs of names and values.
func labels(pairs ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, pairs[i]+`="`+escape.Replace(pairs[i+1])+`"`)
	}
	return "{" + strings.Join(all, ",") + "}"
}

// serveMetrics says how the carrier is, to a Prometheus.
func (h *Handler) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var e exposition
	h.measureServer(&e)
	h.measureAccounts(&e)
	h.measureFaults(&e)
	if h.config.USSD != nil {
		e.add("ussd_sessions_open", "USSD sessions that are open.", series{"", float64(h.config.USSD.Open())})
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(e.String())) // a reader that went away has nothing to be told
}

func (h *Handler) measureServer(e *exposition) {
	st := h.config.Server.Stats()
	ready := 1.0
	if h.config.Ready != nil && len(h.config.Ready()) > 0 {
		ready = 0
	}
	e.add("ready", "Whether messages can be taken: 1, or 0 while readyz says why not.", series{"", ready})
	e.add("smpp_connections", "SMPP connections, bound or not.", series{"", float64(st.Connections)})
	e.add("messages_remembered", "Messages that can be asked for, finished ones too.", series{"", float64(st.Remembered)})
	bound := make(map[[2]string]int)
	for _, s := range h.config.Server.Sessions() {
		if s.Account != "" {
			bound[[2]string{s.Account, s.Mode}]++
		}
	}
	var all []series
	for key, n := range bound {
		all = append(all, series{labels("account", key[0], "mode", key[1]), float64(n)})
	}
	slices.SortFunc(all, func(x, y series) int { return cmp.Compare(x.labels, y.labels) })
	e.add("smpp_sessions", "Bound SMPP sessions.", all...)
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

func (h *Handler) measureAccounts(e *exposition) {
	accounts := h.accounts()
	gauge := func(name, help string, of func(*Account) float64) {
		var all []series
		for i := range accounts {
			all = append(all, series{labels("account", accounts[i].SystemID), of(&accounts[i])})
		}
		e.add(name, help, all...)
	}
	gauge("messages_waiting", "Messages that wait for an account's numbers.", func(a *Account) float64 { return float64(a.Stored) })
	gauge("receipts_waiting", "Receipts that wait for an account.", func(a *Account) float64 { return float64(a.Receipts) })
	gauge("account_rate_limit", "Messages a second that an account may submit, 0 without limit.", func(a *Account) float64 { return a.Rate })
	for _, c := range counted {
		var all []series
		for i := range accounts {
			l := labels("account", accounts[i].SystemID)
			if c.label != "" {
				l = labels("account", accounts[i].SystemID, "state", c.label)
			}
			all = append(all, series{l, float64(c.of(&accounts[i].Counts))})
		}
		if last := len(*e) - 1; (*e)[last].name == "airtill_"+c.name {
			(*e)[last].series = append((*e)[last].series, all...)
			continue
		}
		e.add(c.name, c.help, all...)
	}
}

// measureFaults counts strikes of the faults that are set: one that is set anew begins
// at zero again, as a counter may.
func (h *Handler) measureFaults(e *exposition) {
	if h.config.Faults == nil {
		return
	}
	var all []series
	for _, f := range h.config.Faults.Get(time.Now()) {
		l := labels("id", strconv.Itoa(f.ID), "operation", string(f.Fault.Operation), "effect", f.Fault.Effect.String(), "account", f.Fault.Account)
		all = append(all, series{l, float64(f.Struck)})
	}
	e.add("fault_strikes_total", "How often a fault that is set has struck.", all...)
}
