package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// choices are what flags that choose take, by the flag's name, or the command's and the
// flag's where the name alone does not say it.
func choices() map[string][]string {
	profiles := []string{string(platform.ProfileKey), string(platform.ProfileModern), string(platform.ProfileLegacy)}
	onOff := []string{"on", "off"}
	all := map[string][]string{
		"suite": {"modern", "legacy"}, "form": {"sim", "standalone", "sdtf", platform.FormNone},
		"persona": personas(), "receipt": {"none", "final", "failure", "success"},
		"split": {"udh8", "udh16", "sar", "payload"}, "mode": {"store", "datagram", "transaction"},
		"power": onOff, "busy": onOff, "outage": onOff, "coverage": {"in", "out", "profile"},
		"as": {"pdu", "tpdu", "userdata", "packet", "message"}, "algorithm": {"ed25519", "rsa-pss", "ecdsa", "rsa-md5"},
		"kind": {"public", "api", "webhook", "field", "signing", "sealing", "legacy"}, "route": {"discard", "store", "phones"},
		"bill list state":      {"created", "pushed", "delivered", "opened", "deferred", "paid", "settled", "refused", "expired"},
		"callbacks list state": {"pending", "delivered", "exhausted"},
		"sms list state":       {"ENROUTE", "DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE", "REJECTED"},
		"torture store":        {"redis", "embedded", "cluster"},
	}
	for _, who := range []string{"merchant", "office add-merchant", "bill create", "bill show", "bill list", "bill events", "bill cancel", "bill refund", "bill refunds"} {
		all[who+" profile"] = profiles
	}
	for name, values := range commonValues() {
		all[name] = values
	}
	return all
}

func personas() (names []string) {
	for _, k := range []persona.Kind{
		persona.Pays, persona.Refuses, persona.PoorFirstCard, persona.WrongPINOnce, persona.PaysLater, persona.Never, persona.Away, persona.Manual,
	} {
		names = append(names, string(k))
	}
	return names
}

// valuesOf are what the value of a flag could be.
func (t typed) valuesOf(ctx context.Context, f cli.Flag) [][2]string {
	name, all := f.Names()[0], choices()
	if own, found := t.command.values[name]; found {
		return plain(own)
	}
	for _, key := range []string{strings.Join(append(t.commandWords(), name), " "), name} {
		if values, found := all[key]; found {
			return plain(values)
		}
	}
	switch name {
	case "phone", "buyer", "to":
		return t.argument(ctx, "PHONE")
	case "merchant":
		return t.merchants()
	case "network":
		return t.argument(ctx, "CONTEXT")
	}
	return nil
}

// commandWords are the words of the line that name commands.
func (t typed) commandWords() (words []string) {
	c := t.top
	for _, word := range t.before {
		if i := slices.IndexFunc(c.sub, func(s command) bool { return s.name == word }); i >= 0 {
			c, words = c.sub[i], append(words, word)
		}
	}
	return words
}

func plain(values []string) (rows [][2]string) {
	for _, v := range values {
		rows = append(rows, [2]string{v, ""})
	}
	return rows
}

// argument are what an argument of this name could be.
func (t typed) argument(ctx context.Context, name string) [][2]string {
	switch name {
	case "PHONE":
		return t.phones()
	case "BILL", "CALLBACK":
		return t.bills(ctx)
	case "SHELL":
		return plain([]string{"bash", "zsh", "fish"})
	case "TOPIC":
		return topicRows(cheats())
	case "TOPIC|COMMAND":
		return append(topicRows(topics()), commandRows(t.top)...)
	case "COMMAND":
		return commandRows(descend(t.top, t.before[min(len(t.before), 2):]))
	case "NAME", "CONTEXT":
		names, err := contextNames(t.env.Getenv)
		if err != nil || !slices.Contains(append(t.commandWords(), "network"), "context") && name == "NAME" {
			return nil
		}
		return plain(names)
	case "KEY":
		return nil
	}
	if strings.Contains(name, "|") {
		return plain(strings.Split(name, "|"))
	}
	return nil
}

func topicRows(all []topic) (rows [][2]string) {
	for _, t := range all {
		rows = append(rows, [2]string{t.Name, t.What})
	}
	return rows
}

// network reads the ready file of the network that the line is for.
func (t typed) network() (*target, world.Ready, error) {
	var at target
	for i, word := range t.before {
		if word == "--network" && i+1 < len(t.before) {
			at.network = t.before[i+1]
		}
	}
	r, err := at.ready(&call{env: t.env})
	return &at, r, err
}

// phones are those that the ready file tells of.
func (t typed) phones() (rows [][2]string) {
	_, r, err := t.network()
	if err != nil {
		return nil
	}
	for _, p := range r.Phones {
		rows = append(rows, [2]string{p.MSISDN, strings.TrimSpace(p.Name + " " + p.Persona)})
	}
	return rows
}

func (t typed) merchants() (rows [][2]string) {
	_, r, err := t.network()
	if err != nil {
		return nil
	}
	for _, m := range r.Merchants {
		rows = append(rows, [2]string{m.ID, m.Name})
	}
	return rows
}

// completionTime is how long a platform has to tell its bills: a person waits at a prompt.
const completionTime = 300 * time.Millisecond

// bills are the newest, asked of the platform if it is at hand.
func (t typed) bills(ctx context.Context) (rows [][2]string) {
	at, _, err := t.network()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	client, err := at.merchantClient(&call{env: t.env})
	if err != nil {
		return nil
	}
	page, err := client.Bills(ctx, api.Query{Limit: 20})
	if err != nil {
		return nil
	}
	for _, b := range page.Bills {
		rows = append(rows, [2]string{string(b.ID), string(b.State) + " " + sum(b.Amount, b.Currency)})
	}
	return rows
}
