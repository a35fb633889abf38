package management

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func (r *rig) now() time.Time { return time.Now() }

// sample is a line of the text format: name, labels, value.
var sample = regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? (\S+)$`)

// read reads the text format 0.0.4 strictly: each metric has HELP and TYPE once, in
// front of all its samples, and no sample is there twice.
func (r *rig) measured() map[string]string {
	r.t.Helper()
	_, text, header := r.ask("GET", "/metrics", "")
	if got := header.Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		r.t.Error(got)
	}
	all, kinds, current := make(map[string]string), make(map[string]string), ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.SplitN(line, " ", 4)
		switch {
		case words[0] == "#" && words[1] == "HELP":
			current = words[2]
			if kinds[current] != "" || words[3] == "" {
				r.t.Errorf("%q", line)
			}
		case words[0] == "#" && words[1] == "TYPE":
			kinds[words[2]] = words[3]
			if words[2] != current || (words[3] == "counter") != strings.HasSuffix(current, "_total") {
				r.t.Errorf("%q", line)
			}
		default:
			m := sample.FindStringSubmatch(line)
			if m == nil || m[1] != current || all[m[1]+m[2]] != "" {
				r.t.Fatalf("%q", line)
			}
			all[m[1]+m[2]] = m[3]
		}
	}
	return all
}

// The metrics say what has happened.
func TestMetrics(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		_, err := r.client.SetFaults(ctx, `submit_sm=ESME_RSYSERR count=1 account=app`)
		r.ok(err)
		_ = r.refused("POST", "/v1/messages", `{"account":"app","destination":"254700000001","text":"x"}`)
		_, err = r.client.Send(ctx, NewMessage{Account: "app", Destination: phone, Text: "x", Registered: 1})
		r.ok(err)
		_, err = r.client.Send(ctx, NewMessage{Source: phone, Destination: code, Text: "x"})
		r.ok(err)
		r.arrived(0)
		r.reasons = []string{"no"}
		got := r.measured()
		for name, want := range map[string]string{
			`airtill_ready`:            "0",
			`airtill_smpp_connections`: "1",
			`airtill_smpp_sessions{account="phones",mode="transceiver"}`:                                    "1",
			`airtill_messages_remembered`:                                                                   "2",
			`airtill_messages_waiting{account="app"}`:                                                       "1",
			`airtill_receipts_waiting{account="app"}`:                                                       "1",
			`airtill_messages_accepted_total{account="app"}`:                                                "1",
			`airtill_messages_accepted_total{account="phones"}`:                                             "1",
			`airtill_messages_ended_total{account="phones",state="DELIVERED"}`:                              "1",
			`airtill_messages_ended_total{account="app",state="EXPIRED"}`:                                   "0",
			`airtill_fault_strikes_total{id="1",operation="submit_sm",effect="ESME_RSYSERR",account="app"}`: "1",
			`airtill_ussd_sessions_open`:                                                                    "0",
			`airtill_account_rate_limit{account="app"}`:                                                     "0",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %s", name, got[name], want)
			}
		}
	})
}
