package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/management"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/gateway/ussd"
)

// What is wrong with a command line for the carrier is said before anything is asked.
func TestWrongUseOfTheCarrier(t *testing.T) {
	const phone = "254700000001"
	tests := []struct {
		line []string
		want string
	}{
		{[]string{"sms", "send", "--to", phone}, "TEXT is missing; or give --data HEX"},
		{[]string{"sms", "send", "--to", phone, "--data", "00", "x"}, "TEXT and --data exclude each other"},
		{[]string{"sms", "send", "--to", phone, "--udh", "x"}, "--udh goes with --data"},
		{[]string{"sms", "send", "--to", phone, "--receipt", "maybe", "x"}, `--receipt "maybe" is none of none, final, failure, success`},
		{[]string{"sms", "send", "--to", phone, "--coding", "256", "x"}, "--coding is 0 to 255"},
		{[]string{"sms", "send", "--to", phone, "--wait", "-1s", "x"}, "--wait cannot be negative"},
		{[]string{"sms", "send", "x"}, "--to must be given"},
		{[]string{"sms", "list", "--before", "x"}, `--before "x" is not a serial number`},
		{[]string{"sms", "list", "--carrier", "ftp://x"}, "--carrier is no URL like http://127.0.0.1:8080"},
		{[]string{"smsc", "kick", "x"}, `"x" is not a session's number`},
		{[]string{"smsc", "throttle", "app"}, "--rate or --burst must be given, from 0"},
		{[]string{"radio", "set"}, "nothing to set: say --profile, or a PHONE and what of it; airtill radio show shows what there is"},
		{[]string{"radio", "set", phone}, "nothing to set: say --power, --coverage, --busy, --memory, --clear, --cell or --profile"},
		{[]string{"radio", "set", "--power", "off"}, "PHONE is missing: --power, --coverage, --busy, --memory and --clear are a phone's"},
		{[]string{"radio", "set", "--power", "dim", phone}, `--power "dim" is neither on nor off`},
		{[]string{"radio", "set", "--coverage", "some", phone}, `--coverage "some" is none of in, out, profile`},
		{[]string{"radio", "set", "--memory", "-1", phone}, `--memory "-1" is neither a number from 0 nor none`},
		{[]string{"radio", "set", "--outage", "on", phone}, "--outage is a cell's: leave PHONE out, and say --cell NAME"},
		{[]string{"radio", "set", "--outage", "on"}, "--outage is a cell's: say --cell NAME"},
		{[]string{"radio", "set", "--profile", "loss=2"}, `--profile: radio: profile: loss: 2 is outside 0 to 1`},
		{[]string{"chaos", "set"}, "FAULT is missing"},
		{[]string{"chaos", "off", "x"}, `"x" is not a fault's number`},
		{[]string{"ussd", "dial", "*384*1#"}, "--phone must be given"},
		{[]string{"ussd", "dial", "--phone", phone, "384"},
			`"384": not a USSD code: it begins with * or #, ends with #, and has digits, * and # between, such as *120#`},
		{[]string{"ussd", "push", "--to", phone, "x"}, "--from must be given"},
		{[]string{"ussd", "sessions", "--result", "good"}, `--result: "good" is not a result of a session, such as completed or user-abort`},
		{[]string{"gateway", "--esme", "app"}, "--esme wants ID:PASSWORD or ID:PASSWORD:RANGE"},
		{[]string{"gateway", "--esme", "app:hush", "--esme", "app:hush"}, `--esme, --accounts: account "app": twice`},
		{[]string{"gateway", "--esme", "app:hush:["}, "--esme: the range of app: error parsing regexp: missing closing ]: `[`"},
		{[]string{"gateway", "--esme", "handsets:hush", "--handsets", "1", "--http", "127.0.0.1:0", "--smpp", "127.0.0.1:0"},
			"--esme, --accounts: an account cannot be called handsets: the carrier's own phones are"},
		{[]string{"gateway", "--handsets", "-1"}, "--handsets cannot be negative"},
		{[]string{"gateway", "--handsets", "1", "--prefix", "0"},
			`--prefix "0" with --handsets 1: a prefix and its index have 7 to 15 digits, and do not begin with 0`},
		{[]string{"gateway", "--radio", "space"}, `--radio: radio: profile: no name "space"; give ideal, urban, rural, roaming, stadium, outage`},
		{[]string{"gateway", "--cell", "north=space"}, `--cell north: radio: profile: no name "space"; give ideal, urban, rural, roaming, stadium, outage`},
		{[]string{"gateway", "--cell", "a", "--cell", "a"}, `--cell: radio: cell "a": name: twice`},
		{[]string{"gateway", "--ussd-route", "*1#"}, `--ussd-route: "*1#" is neither CODE=URL nor CODE=account:NAME`},
		{[]string{"gateway", "--ussd-route", "*1#=account:nobody"}, `--ussd-route *1#: there is no account "nobody"; say it with --esme, or a URL`},
		{[]string{"gateway", "--ussd-route", "*1#=http://x,colour=red"}, `--ussd-route: *1#: no "colour"; there is form, timeout, notify, network`},
		{[]string{"gateway", "--ussd-route", "*1#=http://x,timeout=soon"}, `--ussd-route: *1#: timeout: "soon" is not a time such as 5s`},
		{[]string{"gateway", "--ussd-route", "*1#=http://x,form=fax"}, `--ussd-route: ussd codes: code "*1#": form: "fax"; there is africastalking, hubtel, arkesel`},
		{[]string{"gateway", "--canned", "255=x"}, `--canned "255=x" is not N=TEXT with N from 1 to 254`},
		{[]string{"gateway", "--tls-smpp", "127.0.0.1:0"}, "--tls-smpp, --tls-cert-file and --tls-key-file go together"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.line, " "), func(t *testing.T) {
			got := newShell(t).run(tt.line...)
			_, got.stderr, _ = strings.Cut(got.stderr, "airtill "+tt.line[0]) // behind what was made before
			first, _, _ := strings.Cut(got.stderr, "\n")
			if _, text, _ := strings.Cut(first, ": "); got.status != 2 || text != tt.want || strings.Contains(got.stderr, "hush") {
				t.Errorf("%+v\nwant %s", got, tt.want)
			}
		})
	}
}

// A file that is not there, or is not what it should be, is said with its name.
func TestGatewayFiles(t *testing.T) {
	s := newShell(t)
	bad := s.path("bad.json")
	if err := os.WriteFile(bad, []byte(`{"accounts":[{"system_id":"a","colour":1}],"codes":3}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		flag, file string
		status     int
		want       string
	}{
		{"--accounts", s.path("none"), 1, "no such file"},
		{"--accounts", bad, 2, "--accounts " + bad + ": colour: no such field"},
		{"--ussd-config", s.path("none"), 1, "no such file"},
		{"--ussd-config", bad, 2, "--ussd-config " + bad + ": ussd codes: "},
		{"--pcap", s.path("none/file"), 1, "no such file"},
	} {
		if got := s.run("gateway", tt.flag, tt.file); got.status != tt.status || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s %s: %+v", tt.flag, tt.file, got)
		}
	}
}

// Flags and files become the carrier that they say.
func TestReadGateway(t *testing.T) {
	s := newShell(t)
	accounts := s.path("accounts.json")
	text := `{"accounts":[{"system_id":"bank","password":"secret","address_range":"^6000$","rate":5,"alphabet":"latin1","ussd":{"dialect":"no-id"}}]}`
	if err := os.WriteFile(accounts, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g := gatewayConfig{
		accountsFile: accounts, radio: "urban", prefix: "2547", handsets: 2,
		esmes: *cli.NewStringSlice("app:se:cr:et"), cells: *cli.NewStringSlice("north=rural loss=0.1"), faults: *cli.NewStringSlice("lossy for=1m"),
		ussdRoutes: *cli.NewStringSlice("*1#=account:bank", "*2#=http://127.0.0.1:1/u,form=hubtel,timeout=5s"), canned: *cli.NewStringSlice("7=Welcome"),
	}
	all, config, err := g.read(&call{env: Env{Getenv: func(string) string { return "" }}})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Rate != 5 || all[0].Alphabet != tpdu.Latin1 || all[1].Password != "se" || all[1].AddressRange != "cr:et" {
		t.Errorf("%+v", all)
	}
	gw := config.Gateway
	if gw.Radio.Profile.Name() != "urban" || gw.Radio.Cells[0].Profile.Loss != 0.1 || len(gw.Faults) != 1 || gw.Faults[0].Operation != fault.Any {
		t.Errorf("%+v %+v", gw.Radio, gw.Faults)
	}
	if gw.USSD.Accounts["bank"].Dialect != ussd.NoID || len(gw.USSD.Routes) != 2 || gw.USSD.Routes[0].Account != "bank" ||
		gw.USSD.Routes[1].Timeout != 5*time.Second || gw.Canned[7] != "Welcome" {
		t.Errorf("%+v %+v", gw.USSD, gw.Canned)
	}
	if gw.HTTP != managementAddress || config.Control != controlAddress || config.Phones != (world.Numbers{Prefix: "2547", Count: 2}) {
		t.Errorf("%+v", config)
	}
}

// Without accounts of their own those with handsets have a guest, and those without have
// what the other rooms bind as.
func TestUsualAccounts(t *testing.T) {
	c := &call{env: Env{Getenv: func(string) string { return "" }}}
	for handsets, want := range map[int]string{0: "platform shop handsets guest", 3: "guest"} {
		g := gatewayConfig{handsets: handsets}
		all, _, err := g.accounts(c)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, a := range all {
			names = append(names, a.SystemID)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("with %d handsets: %s, want %s", handsets, got, want)
		}
	}
}

// fakeCarrier answers as management does, over a server that nobody serves.
func fakeCarrier(t *testing.T) string {
	t.Helper()
	server, err := smsc.New(smsc.Config{Accounts: []smsc.Account{
		{SystemID: "phones", AddressRange: "^2547[0-9]{8}$"}, {SystemID: "app", AddressRange: "^4242$"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	h, err := management.New(management.Config{Server: server, Faults: fault.New(1), Key: fakeOperator})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// Commands find a carrier alone by its own ready file, unless a network is up.
func TestWhichCarrier(t *testing.T) {
	s := newShell(t)
	s.check(s.run("smsc", "accounts"), StatusUnreachable,
		"airtill smsc accounts: no running network found: there is no "+s.path(".local/state/airtill/dev.json"),
		"start one: airtill dev; or say which: --network FILE")
	alone := world.Ready{HTTP: fakeCarrier(t), CarrierKey: fakeOperator}
	alone.Carrier = alone.HTTP
	if err := world.WriteReady(s.path(".local/state/airtill/carrier.json"), alone); err != nil {
		t.Fatal(err)
	}
	if got := s.run("smsc", "accounts"); got.status != 0 || !strings.Contains(got.stdout, "phones") {
		t.Errorf("%+v", got)
	}
	s.check(s.run("office", "phones"), 1, "airtill office phones: the ready file does not say where its platform is", "say it: --platform URL")
	s.ready(world.Ready{HTTP: "http://127.0.0.1:1", Carrier: "http://127.0.0.1:1", CarrierKey: "op_x"})
	if got := s.run("smsc", "accounts"); got.status != StatusUnreachable || !strings.Contains(got.stderr, "is the carrier running? start one: airtill gateway") {
		t.Errorf("%+v", got)
	}
	s.environ["AIRTILL_CARRIER_KEY"] = "op_wrong"
	s.check(s.run("smsc", "accounts", "--carrier", alone.Carrier), 1,
		"airtill smsc accounts: 401 No valid key: send the carrier's key: Authorization: Bearer KEY",
		"the carrier does not know the key, which is from AIRTILL_CARRIER_KEY")
}

// The key of a ready file is shown to nobody but its carrier.
func TestCarrierKeyStaysAtHome(t *testing.T) {
	s := newShell(t)
	asked := false
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer stranger.Close()
	s.ready(world.Ready{HTTP: "http://127.0.0.1:1", Carrier: "http://127.0.0.1:2", CarrierKey: fakeOperator})
	got := s.run("sms", "list", "--carrier", stranger.URL)
	if got.status != 1 || asked || !strings.Contains(got.stderr, "no operator key for "+stranger.URL) {
		t.Errorf("%+v, asked %v", got, asked)
	}
}

// Tables for people and objects for programs say the same.
func TestCarrierTables(t *testing.T) {
	s := newShell(t)
	url := fakeCarrier(t)
	s.ready(world.Ready{HTTP: "http://127.0.0.1:1", Carrier: url, CarrierKey: fakeOperator})
	sent := s.run("sms", "send", "--account", "app", "--to", "254700000001", "--json", "hello")
	var m management.SentMessage
	if err := json.Unmarshal([]byte(sent.stdout), &m); err != nil || sent.status != 0 || m.State != "ENROUTE" {
		t.Fatalf("%+v %v", sent, err)
	}
	for _, tt := range []struct {
		line   string
		status int
		want   []string
	}{
		{"sms list", 0, []string{"ID ", m.ID + "  ENROUTE  4242  254700000001  app", "  0  hello\n"}},
		{"sms list --json", 0, []string{`{"id":"` + m.ID + `",`, `"text":"hello"`, `"attempts":[]`}},
		{"sms show " + m.ID, 0, []string{"state        ENROUTE\n", "tries        0\n"}},
		{"sms send --account app --to 254700000001 --wait 1ms x", 1, []string{"ENROUTE"}},
		{"sms cancel " + m.ID, 0, []string{"state        DELETED\n"}},
		{"smsc throttle --rate 2.5 app", 0, []string{"app", "2.5/s, burst 2"}},
		{"chaos set flaky", 0, []string{"submit_sm  ESME_RSYSERR", "5%", "0.5%"}},
		{"chaos off", 0, []string{"ID  OPERATION"}},
		{"smsc sessions", 0, []string{"ID  ACCOUNT"}},
		{"radio show", 1, nil},
		{"ussd sessions", 1, nil},
	} {
		got := s.run(strings.Fields(tt.line)...)
		if got.status != tt.status {
			t.Errorf("%s: %+v", tt.line, got)
		}
		for _, want := range tt.want {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("%s: no %q in\n%s", tt.line, want, got.stdout)
			}
		}
	}
}
