package management

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/gateway/ussd"
)

// Every route asks for the key, but those that say how the carrier is and what it has.
func TestKey(t *testing.T) {
	open := map[string]bool{"GET /livez": true, "GET /readyz": true, "GET /openapi.json": true}
	inBubble(t, func(r *rig) {
		for _, pattern := range r.handler.routes {
			method, path, _ := strings.Cut(pattern, " ")
			for _, given := range []string{"", "Bearer", "Bearer wrong", "Basic " + key, key} {
				req := httptest.NewRequest(method, strings.NewReplacer("{", "", "}", "").Replace(path), http.NoBody)
				req.Header.Set("Authorization", given)
				rec := httptest.NewRecorder()
				r.handler.ServeHTTP(rec, req)
				if admitted := rec.Code != http.StatusUnauthorized; admitted != open[pattern] {
					t.Errorf("%s with %q: %d", pattern, given, rec.Code)
				}
				if bytes.Contains(rec.Body.Bytes(), []byte(key)) {
					t.Errorf("%s says the key", pattern)
				}
			}
		}
	})
}

// What is wrong with a request is said with the field, and with the right status.
func TestBadRequests(t *testing.T) {
	tests := []struct {
		method, path, body string
		status             int
		field              string
	}{
		{"GET", "/nothing", "", 404, ""},
		{"GET", "/v1", "", 404, ""},
		{"PUT", "/v1/messages", "", 405, ""},
		{"POST", "/livez", "", 405, ""},
		{"GET", "/v1/messages?stat=x", "", 422, "stat"},
		{"GET", "/v1/messages?state=lost", "", 422, "state"},
		{"GET", "/v1/messages?limit=0", "", 422, "limit"},
		{"GET", "/v1/messages?limit=1&limit=2", "", 422, "limit"},
		{"GET", "/v1/messages?since=yesterday", "", 422, "since"},
		{"GET", "/v1/messages?before=-1", "", 422, "before"},
		{"GET", "/v1/messages?%zz", "", 400, ""},
		{"GET", "/v1/messages/none", "", 404, "id"},
		{"GET", "/v1/messages/none?wait=10s", "", 404, "id"},
		{"DELETE", "/v1/sessions/x", "", 422, "id"},
		{"DELETE", "/v1/sessions/99", "", 404, "id"},
		{"GET", "/v1/accounts/none", "", 404, "id"},
		{"PATCH", "/v1/accounts/none", `{"rate":1}`, 404, "id"},
		{"PATCH", "/v1/accounts/app", `{"rate":-1}`, 422, "rate"},
		{"PATCH", "/v1/accounts/app", `{"burst":-1}`, 422, "burst"},
		{"PATCH", "/v1/accounts/app", `{"rate":"fast"}`, 422, "rate"},
		{"GET", "/v1/subscribers/12ab", "", 422, "msisdn"},
		{"GET", "/v1/subscribers/254800000001", "", 404, "msisdn"},
		{"PATCH", "/v1/subscribers/254700000001", `{"colour":1}`, 422, ""},
		{"PATCH", "/v1/subscribers/254700000001", `{"number":"1"}`, 422, ""},
		{"PATCH", "/v1/subscribers/254700000001", `{"cell":"none"}`, 422, ""},
		{"PATCH", "/v1/radio", `{"profile":"space"}`, 422, ""},
		{"PATCH", "/v1/radio", `{`, 422, ""},
		{"GET", "/v1/radio/cells/none", "", 404, "name"},
		{"PATCH", "/v1/radio/cells/none", `{}`, 404, "name"},
		{"PUT", "/v1/radio/cells/a", `{"name":"b"}`, 422, "name"},
		{"POST", "/v1/faults", `{}`, 422, "faults"},
		{"POST", "/v1/faults", `{"faults":["flaky","submit_sm=slow"]}`, 422, "faults[1]"},
		{"POST", "/v1/faults", `{"faults":[{"operation":"submit_sm"}]}`, 422, "faults[0]"},
		{"DELETE", "/v1/faults/x", "", 422, "id"},
		{"DELETE", "/v1/faults/9", "", 404, "id"},
		{"POST", "/v1/ussd/dial", `{"phone":"12","code":"*384*1#"}`, 422, "phone"},
		{"POST", "/v1/ussd/dial", `{"phone":"254700000001","code":"384"}`, 422, "code"},
		{"POST", "/v1/ussd/dial", `{"phone":"254700000001","code":"*9#"}`, 404, "code"},
		{"POST", "/v1/ussd/sessions/none", `{"text":"1"}`, 404, "id"},
		{"DELETE", "/v1/ussd/sessions/none", "", 404, "id"},
		{"POST", "/v1/ussd/push", `{"phone":"254700000001","text":"x"}`, 422, "code"},
		{"POST", "/v1/ussd/push", `{"code":"*1#","phone":"999","text":"x"}`, 404, "phone"},
		{"POST", "/v1/ussd/push", `{"code":"*1#","phone":"254700000001","text":"` + strings.Repeat("x", 183) + `"}`, 422, "text"},
		{"GET", "/v1/ussd/sessions?result=good", "", 422, "result"},
		{"GET", "/v1/ussd/sessions?open=1", "", 422, "open"},
		{"POST", "/v1/messages", strings.Repeat(" ", maxBody+1), 413, ""},
	}
	inBubble(t, func(r *rig) {
		for _, tt := range tests {
			if p := r.refused(tt.method, tt.path, tt.body); p.Status != tt.status || p.Field != tt.field || p.Detail == "" || p.Instance == "" {
				t.Errorf("%s %s %.60s: %+v", tt.method, tt.path, tt.body, p)
			}
		}
		if _, _, header := r.ask("PUT", "/v1/messages", ""); header.Get("Allow") != "GET, POST" {
			t.Errorf("Allow: %s", header.Get("Allow"))
		}
	})
}

// A session can be seen and ended.
func TestKick(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		all, err := r.client.Sessions(ctx, "phones")
		r.ok(err)
		if len(all.Sessions) != 1 || all.Sessions[0].Mode != "transceiver" {
			t.Fatalf("%+v", all)
		}
		first := all.Sessions[0].ID
		kicked, err := r.client.Kick(ctx, first)
		r.ok(err)
		if kicked.Account != "phones" {
			t.Errorf("%+v", kicked)
		}
		time.Sleep(time.Minute) // the phones bind again
		all, err = r.client.Sessions(ctx, "")
		r.ok(err)
		if len(all.Sessions) != 1 || all.Sessions[0].ID == first {
			t.Errorf("%+v", all)
		}
	})
}

// An account is held back, and let go.
func TestThrottle(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		rate, burst, off := 2.5, 7, 0.0
		a, err := r.client.Throttle(ctx, "app", Throttle{Rate: &rate})
		r.ok(err)
		if a.Rate != 2.5 || a.Burst != 2 {
			t.Errorf("%+v", a)
		}
		a, err = r.client.Throttle(ctx, "app", Throttle{Burst: &burst})
		r.ok(err)
		if a.Rate != 2.5 || a.Burst != 7 {
			t.Errorf("%+v", a)
		}
		a, err = r.client.Throttle(ctx, "app", Throttle{Rate: &off})
		r.ok(err)
		if a.Rate != 0 {
			t.Errorf("%+v", a)
		}
		all, err := r.client.Accounts(ctx)
		r.ok(err)
		if _, text, _ := r.ask("GET", "/v1/accounts", ""); len(all.Accounts) != 3 || bytes.Contains(text, []byte("secret")) {
			t.Errorf("%s", text)
		}
	})
}

// The air, a cell and a phone are changed by what is given, and stay otherwise.
func TestRadio(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		status, _, _ := r.ask("PUT", "/v1/radio", `{"profile":"urban","cells":[{"name":"north"},{"name":"south","profile":"rural"}]}`)
		if status != http.StatusOK {
			t.Fatal(status)
		}
		_, err := r.client.ChangeCell(ctx, "north", Changes{"outage": true})
		r.ok(err)
		s, err := r.client.ChangeSubscriber(ctx, phone, Changes{"cell": "north", "memory": 3})
		r.ok(err)
		if s.StandsIn != "north" || s.Cause != radio.Absent || *s.Memory != 3 || s.InForce.Name() != "urban" {
			t.Errorf("%+v", s)
		}
		if s, err = r.client.ChangeSubscriber(ctx, "+"+phone, Changes{"memory": nil, "profile": "ideal loss=0.5"}); err != nil || s.Memory != nil || s.InForce.Loss != 0.5 {
			t.Errorf("%+v %v", s, err)
		}
		_, err = r.client.ChangeRadio(ctx, Changes{"profile": "stadium"})
		r.ok(err)
		plan, err := r.client.Radio(ctx)
		r.ok(err)
		if plan.Profile.Name() != "stadium" || len(plan.Cells) != 2 || !plan.Cells[0].Outage || len(plan.Subscribers) != 1 {
			t.Errorf("%+v", plan)
		}
	})
}

// A phone whose memory is full takes messages again when it is emptied.
func TestMemory(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		_, err := r.client.ChangeSubscriber(ctx, phone, Changes{"memory": 1})
		r.ok(err)
		for _, text := range []string{"one", "two"} {
			_, err := r.client.Send(ctx, NewMessage{Account: "app", Destination: phone, Text: text})
			r.ok(err)
		}
		if n := len(r.arrived(0)); n != 1 {
			t.Errorf("%d arrived", n)
		}
		s, err := r.client.ClearMemory(ctx, phone)
		r.ok(err)
		if n := len(r.arrived(0)); n != 2 || s.Cause != radio.Through && s.Cause != radio.MemoryFull {
			t.Errorf("%d arrived, %+v", n, s)
		}
	})
}

// Faults are set by text, object and preset, strike what is sent here too, and go.
func TestFaults(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		all, err := r.client.SetFaults(ctx, "submit_sm=ESME_RTHROTTLED count=1", "locked for=1m")
		r.ok(err)
		if len(all.Faults) != 2 || all.Faults[1].Operation != "bind" || len(all.Presets) < 5 {
			t.Fatalf("%+v", all)
		}
		p := r.refused("POST", "/v1/messages", `{"account":"app","destination":"254700000001","text":"x"}`)
		if p.CommandStatus != "ESME_RTHROTTLED" {
			t.Errorf("%+v", p)
		}
		_, err = r.client.Send(ctx, NewMessage{Account: "app", Destination: phone, Text: "x"})
		r.ok(err)
		all, err = r.client.FaultOff(ctx, all.Faults[1].ID)
		r.ok(err)
		if len(all.Faults) != 1 || all.Faults[0].Struck != 1 || !all.Faults[0].Over {
			t.Errorf("%+v", all)
		}
		if all, err = r.client.FaultsOff(ctx); err != nil || len(all.Faults) != 0 {
			t.Errorf("%+v %v", all, err)
		}
	})
}

// A virtual handset dials, answers, and is told the end.
func TestDial(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		s, err := r.client.Dial(ctx, Dial{Phone: phone, Code: "*384*1#"})
		r.ok(err)
		if s.Kind != "ask" || s.Text != "1 Balance\n2 Exit" || !s.Open {
			t.Fatalf("%+v", s)
		}
		open, err := r.client.USSDSessions(ctx, ussd.Filter{OpenOnly: true})
		r.ok(err)
		if len(open) != 1 || open[0].ID != s.ID || open[0].Result != "open" {
			t.Errorf("%+v", open)
		}
		for _, answer := range []string{"1", "bye"} {
			s, err = r.client.Reply(ctx, s.ID, answer)
			r.ok(err)
			if s.Text != "You said "+answer || s.Open != (answer != "bye") {
				t.Errorf("%+v", s)
			}
		}
		if p := r.refused("POST", "/v1/ussd/sessions/"+s.ID, `{"text":"1"}`); p.Code() != "not-found" {
			t.Errorf("%+v", p)
		}
		done, err := r.client.USSDSessions(ctx, ussd.Filter{Phone: phone, Result: ussd.Completed})
		r.ok(err)
		if len(done) != 1 || len(done[0].Steps) != 6 || strings.Contains(done[0].Steps[4].Text, "bye") {
			t.Errorf("%+v", done)
		}
	})
}

// A user gives up, is too slow, or is in a hurry.
func TestDialEnds(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		dial := func() Screen {
			s, err := r.client.Dial(ctx, Dial{Phone: phone, Code: "*384*1#"})
			r.ok(err)
			return s
		}
		s := dial()
		r.ok(r.client.Abort(ctx, s.ID))
		synctest.Wait()
		s = dial()
		time.Sleep(2 * time.Minute)
		late, err := r.client.Reply(ctx, s.ID, "1")
		r.ok(err)
		if late.Open || late.Text != "You took too long. Please dial again." {
			t.Errorf("too late: %+v", late)
		}
		s = dial()
		r.menu.slow = 10 * time.Second
		first := make(chan error)
		go func() { _, err := r.client.Reply(ctx, s.ID, "1"); first <- err }()
		time.Sleep(time.Second)
		if p := r.refused("POST", "/v1/ussd/sessions/"+s.ID, `{"text":"2"}`); p.Code() != "busy" {
			t.Errorf("in a hurry: %+v", p)
		}
		r.ok(<-first)
		all, err := r.client.USSDSessions(ctx, ussd.Filter{})
		r.ok(err)
		if len(all) != 3 || all[2].Result != "user-abort" || all[1].Result != "user-timeout" {
			t.Errorf("%+v", all)
		}
	})
}

// Handsets whose sessions are over are forgotten.
func TestDialledAreForgotten(t *testing.T) {
	inBubble(t, func(r *rig) {
		for range 3 {
			_, err := r.client.Dial(r.t.Context(), Dial{Phone: phone, Code: "*384*1#"})
			r.ok(err)
			time.Sleep(2 * time.Minute)
		}
		if n := len(r.handler.dialled.handsets); n != 1 {
			t.Errorf("%d are kept", n)
		}
	})
}

// A push reaches the fleet of the handset, and is answered by it.
func TestPush(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		done := make(chan error)
		var pushed Pushed
		go func() {
			var err error
			pushed, err = r.client.Push(ctx, Push{Code: "*120#", Phone: phone, Text: "1 to agree", Ask: true})
			done <- err
		}()
		got := r.arrived(0)
		if len(got) != 1 || got[0].ServiceType != ussd.ServiceType || string(got[0].ShortMessage) != "1 to agree" {
			t.Fatalf("%+v", got)
		}
		info, _ := got[0].TLVs.Get(smpp.TagITSSessionInfo)
		_, err := r.server.Submit(ctx, "phones", &smpp.SubmitSM{
			ServiceType: ussd.ServiceType, Source: got[0].Destination, Destination: got[0].Source, ShortMessage: []byte("1"),
			TLVs: smpp.TLVs{smpp.Uint8TLV(smpp.TagUSSDServiceOp, 18), {Tag: smpp.TagITSSessionInfo, Value: info}},
		})
		r.ok(err)
		if err := <-done; err != nil || pushed.Answer != "1" {
			t.Errorf("%+v %v", pushed, err)
		}
	})
}

// What is not there says so.
func TestWithoutParts(t *testing.T) {
	server, err := smsc.New(smsc.Config{Accounts: []smsc.Account{{SystemID: "phones", AddressRange: "^2547000[0-9]{5}$"}}})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Config{Server: server, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, handler: h}
	for _, path := range []string{"/v1/radio", "/v1/faults", "/v1/ussd/sessions"} {
		if p := r.refused("GET", path, ""); p.Code() != "unavailable" {
			t.Errorf("%s: %+v", path, p)
		}
	}
	for _, path := range []string{"/readyz", "/metrics", "/v1/sessions"} {
		if status, text, _ := r.ask("GET", path, ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	for _, bad := range []Config{{Key: key}, {Server: server}} {
		if _, err := New(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestReady(t *testing.T) {
	inBubble(t, func(r *rig) {
		if status, text, _ := r.ask("GET", "/readyz", ""); status != http.StatusOK || string(text) != `{"status":"ok"}`+"\n" {
			t.Errorf("%d %s", status, text)
		}
		r.reasons = []string{"the message store does not answer"}
		status, text, _ := r.ask("GET", "/readyz", "")
		if status != http.StatusServiceUnavailable || !bytes.Contains(text, []byte("does not answer")) {
			t.Errorf("%d %s", status, text)
		}
		if status, _, _ := r.ask("GET", "/livez", ""); status != http.StatusOK {
			t.Error("it lives all the same")
		}
	})
}

// Requests at the same time do not get in each other's way.
func TestTogether(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx := r.t.Context()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					if _, err := r.client.Send(ctx, NewMessage{Account: "app", Destination: phone, Text: "x"}); err != nil {
						t.Error(err)
					}
					_, _ = r.client.ChangeSubscriber(ctx, phone, Changes{"busy": false})
					_, _ = r.client.Messages(ctx, MessageFilter{Wait: time.Second})
					_, _, _ = r.ask("GET", "/metrics", "")
				}
			})
		}
		wg.Wait()
		if n := len(r.arrived(0)); n != 40 {
			t.Errorf("%d arrived", n)
		}
	})
}

// A file of accounts is read strictly.
func TestReadAccounts(t *testing.T) {
	good := `{"accounts":[{"system_id":"app","password":"secret","address_range":"^4242$","kind":"application","window":20,
		"submit_window":5,"rate":10,"burst":20,"binds":{"all":4,"receivers":1},"alphabet":"latin1","ids":"hex-then-decimal",
		"sources":"^4242$","destinations":"^254","honour_range":true,"secured":true,"data_sm":true,"outbind":"127.0.0.1:1",
		"outbind_password":"hush","ussd":{"dialect":"flag-ends","code_in_text":true,"address":"4242"}},{"system_id":"plain","password":""}]}`
	all, dialects, err := ReadAccounts(strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	want := smsc.Account{
		SystemID: "app", Password: "secret", AddressRange: "^4242$", Kind: smsc.Application, Window: 20, SubmitWindow: 5, Rate: 10, Burst: 20,
		Binds: smsc.Binds{All: 4, Receivers: 1}, Alphabet: tpdu.Latin1, IDs: smsc.HexThenDecimal, Sources: "^4242$", Destinations: "^254",
		HonourRange: true, Secured: true, DataSM: true, Outbind: "127.0.0.1:1", OutbindPassword: "hush",
	}
	if len(all) != 2 || all[0] != want || all[1].Kind != smsc.Auto || len(dialects) != 1 || dialects["app"] != (ussd.Account{Dialect: ussd.FlagEnds, CodeInText: true, Address: "4242"}) {
		t.Errorf("%+v %+v", all, dialects)
	}
	for text, want := range map[string]string{
		`{"accounts":[{"system_id":"a","kind":"robot"}]}`:             `accounts: account "a": kind: "robot"; there is application, subscribers, discard`,
		`{"accounts":[{"system_id":"a","colour":"red"}]}`:             "accounts: colour: no such field",
		`{"accounts":[{"system_id":"a","ussd":{"dialect":"slang"}}]}`: `accounts: account "a": ussd: dialect: "slang"; there is spec, flag-ends, long-id, reference, no-id`,
		`{"accounts":[{"system_id":"a","window":"wide"}]}`:            "accounts: accounts.window: a JSON string does not belong here",
		`{"accounts":[]} {}`: "accounts: something follows the JSON object",
		`x`:                  "accounts: the body is not a JSON object",
	} {
		if _, _, err := ReadAccounts(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}
