package world_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/redisstore"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

type moneyAmount = money.Amount

// refuses checks that an enrolment is refused and which field is to blame.
func refuses(r *rig, e api.Enrolment, field string) {
	r.t.Helper()
	_, err := r.Office.Enrol(r.ctx, e)
	blames(r, err, field)
}

func blames(r *rig, err error, field string) {
	r.t.Helper()
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok || problem.Field != field || problem.Status/100 != 4 {
		r.t.Errorf("answered %v, want a refusal that blames %s", err, field)
	}
}

// spellings are the ways in which digits could lie about in clear: as text, in BCD
// either way round, in hexadecimal and in base64.
func spellings(digits string) [][]byte {
	even := digits
	if len(even)%2 == 1 {
		even += "F"
	}
	bcd, err := hex.DecodeString(strings.ReplaceAll(even, "X", "A"))
	if err != nil {
		panic(err) // digits are
	}
	swapped := make([]byte, len(bcd))
	for i, b := range bcd {
		swapped[i] = b<<4 | b>>4
	}
	return append(octetSpellings([]byte(digits)), bcd, swapped,
		[]byte(hex.EncodeToString(bcd)), []byte(base64.StdEncoding.EncodeToString(bcd)))
}

// octetSpellings are the ways in which octets could lie about.
func octetSpellings(octets []byte) [][]byte {
	return [][]byte{
		octets, []byte(hex.EncodeToString(octets)), bytes.ToUpper([]byte(hex.EncodeToString(octets))),
		[]byte(base64.StdEncoding.EncodeToString(octets)), []byte(base64.RawURLEncoding.EncodeToString(octets)),
	}
}

// places is everything that can be looked at: what the store holds, what was logged,
// what crossed SMPP and HTTP. A phone's control face, where a tester types PINs, is
// not among them.
func (r *rig) places() map[string][]byte {
	r.t.Helper()
	all := map[string][]byte{"log": []byte(r.logs.String())}
	for key, value := range r.dump() {
		all["store "+key] = []byte(key + value)
	}
	for i, one := range r.seen.all() {
		switch {
		case one.message != nil:
			all[fmt.Sprintf("message %d from %s to %s", i, one.message.Source, one.message.Destination)] = one.message.UserData
		case one.call != nil:
			all[fmt.Sprintf("%s %s %d", one.call.method, one.call.path, i)] = append(bytes.Clone(one.call.body), one.call.answer...)
		}
	}
	return all
}

// nowhere checks that digits that are nobody's business are not in clear anywhere.
func (r *rig) nowhere(what string, digits ...string) {
	r.t.Helper()
	for place, content := range r.places() {
		for _, d := range digits {
			for _, spelling := range spellings(d) {
				if bytes.Contains(content, spelling) {
					r.t.Errorf("%s is in clear in %s", what, place)
				}
			}
		}
	}
}

// redis is a connection to the store's server beside the platform's.
func (r *rig) redis() redis.UniversalClient {
	r.t.Helper()
	if r.client == nil {
		r.client = redis.NewUniversalClient(r.storeOptions(r.net.Dial))
		r.onEnd(func() { _ = r.client.Close() })
	}
	return r.client
}

// storeOptions is how the store's server is reached by way of a dialer.
func (r *rig) storeOptions(dial func(ctx context.Context, address string) (net.Conn, error)) *redis.UniversalOptions {
	r.t.Helper()
	options, err := redisstore.ParseURL(r.store.URL)
	r.ok(err)
	options.Dialer = func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, address) }
	if strings.HasPrefix(r.store.URL, "unix:") {
		options.Dialer = nil
	}
	return options
}

// dump is all that the store holds, in words, by key.
func (r *rig) dump() map[string]string {
	r.t.Helper()
	client := r.redis()
	all := make(map[string]string)
	keys := client.Scan(r.ctx, 0, "*", 1000).Iterator()
	for keys.Next(r.ctx) {
		key := keys.Val()
		value, err := valueOf(r.ctx, client, key)
		r.ok(err)
		all[key] = fmt.Sprint(value)
	}
	r.ok(keys.Err())
	return all
}

func valueOf(ctx context.Context, client redis.UniversalClient, key string) (any, error) {
	kind, err := client.Type(ctx, key).Result()
	if err != nil {
		return nil, err
	}
	switch kind {
	case "string":
		return client.Get(ctx, key).Result()
	case "hash":
		return client.HGetAll(ctx, key).Result()
	case "zset":
		return client.ZRangeWithScores(ctx, key, 0, -1).Result()
	case "stream":
		return client.XRange(ctx, key, "-", "+").Result()
	case "none":
		return nil, nil // gone meanwhile
	}
	return nil, fmt.Errorf("%s is a %s", key, kind)
}
