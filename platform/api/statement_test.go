package api_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

var update = flag.Bool("update", false, "write the golden files anew")

const theDay = "2026-11-27"

// accounts is a platform that tells one day, and pays out.
type accounts struct {
	*fakePlatform
	lines   int   // of the day; 0 is the four of the golden files
	broken  error // after the first line
	off     bool  // the books have another sum
	settled []platform.Settle
	log     []platform.Act
}

func (a *accounts) Statement(_ context.Context, m platform.MerchantID, day string) (*platform.Statement, error) {
	if day != theDay {
		return nil, &platform.Error{Code: platform.CodeInvalid, Field: "day", Detail: "not this day"}
	}
	at := time.Date(2026, 11, 27, 8, 30, 0, 120e6, time.UTC)
	lines := []platform.StatementLine{
		{Kind: platform.LinePayment, At: at, Payee: "acct_10000001", Currency: "CNY", Amount: 128000, ID: "bill_01JDXK3Z7M0003ZZZZZZZZZZZZ", Reference: `seat 12A, "window"`, Payer: "861*****0001"},
		{Kind: platform.LinePayment, At: at.Add(time.Second), Payee: "acct_10000001", Currency: "CNY", Amount: 500, ID: "bill_01JDXK3Z7M0004ZZZZZZZZZZZZ", Reference: "order-2", Payer: "861*****0002", OnItsWay: true},
		{Kind: platform.LineRefund, At: at.Add(time.Hour), Payee: "acct_10000001", Currency: "CNY", Amount: -300, ID: "ref_1", Bill: "bill_01JDXK3Z7M0003ZZZZZZZZZZZZ"},
		{Kind: platform.LineSettlement, At: at.Add(2 * time.Hour), Payee: "acct_10000001", Currency: "CNY", Amount: -127700, ID: theDay},
	}
	account := platform.StatementAccount{
		Payee: "acct_10000001", Currency: "CNY", Opening: 1000, Payments: platform.Total{Count: 2, Amount: 128500}, Refunds: platform.Total{Count: 1, Amount: 300},
		Settlements: platform.Total{Count: 1, Amount: 127700}, Closing: 1500, OnItsWay: platform.Total{Count: 1, Amount: 500},
	}
	if a.lines > 0 {
		lines = slices.Repeat(lines[:1], a.lines)
		n := money.Amount(a.lines)
		account = platform.StatementAccount{Payee: "acct_10000001", Currency: "CNY", Payments: platform.Total{Count: a.lines, Amount: n * 128000}, Closing: n * 128000}
	}
	if a.off {
		account.Closing++
	}
	return &platform.Statement{
		Merchant: m, Name: "Sky Tickets", Day: day, Complete: true, Accounts: []platform.StatementAccount{account},
		Lines: func(yield func(platform.StatementLine, error) bool) {
			for i, l := range lines {
				if i == 1 && a.broken != nil {
					yield(platform.StatementLine{}, a.broken)
					return
				}
				if !yield(l, nil) {
					return
				}
			}
		},
	}, nil
}

func (a *accounts) Settle(_ context.Context, s platform.Settle) (platform.Settlement, error) {
	if s.Merchant != shop {
		return platform.Settlement{}, &platform.Error{Code: platform.CodeNotFound, Field: "merchant", Detail: "no such merchant"}
	}
	a.settled = append(a.settled, s)
	return platform.Settlement{ID: s.ID, Merchant: s.Merchant, Day: s.Day, By: s.By, Repeated: len(a.settled) > 1}, nil
}

func (a *accounts) Begin(_ context.Context, act platform.Act) (platform.Act, error) {
	if act.By == "Nobody" {
		return act, &platform.Error{Code: platform.CodeUnavailable, Detail: "the log cannot be written"}
	}
	act.ID, act.Outcome = platform.ActID(fmt.Sprintf("act_%026d", len(a.log)+1)), platform.OutcomeBegun
	a.log = append(a.log, act)
	return act, nil
}

func (a *accounts) End(_ context.Context, act platform.Act) error {
	a.log = append(a.log, act)
	return nil
}

func (a *accounts) Acts(_ context.Context, q platform.ActQuery) (platform.ActPage, error) {
	if q.By == "nobody" {
		return platform.ActPage{}, nil
	}
	return platform.ActPage{Acts: a.log, Next: q.After}, nil
}

// keeping stands a platform with accounts up, with merchants of all profiles.
func keeping(t testing.TB) (*accounts, *bench) {
	t.Helper()
	b := newBench(t)
	a := &accounts{fakePlatform: b.fakePlatform}
	h, err := api.NewHandler(api.HandlerConfig{
		Service: b, Authenticator: b, Office: b, OperatorKey: operatorKey, Keyring: b.keys, AllowLegacy: true, Accounts: a, OfficeLog: a,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(h)
	t.Cleanup(b.server.Close)
	return a, b
}

func goldenFile(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("not as in %s (go test -update writes it anew):\n%s", path, got)
	}
}

// A day in both formats, as merchants and the office get it.
func TestStatementFormats(t *testing.T) {
	_, b := keeping(t)
	office := map[string]string{"Authorization": "Bearer " + operatorKey}
	for name, q := range map[string]request{
		"statement.json": {method: "GET", path: "/v1/statement?day=" + theDay},
		"statement.csv":  {method: "GET", path: "/v1/statement?day=" + theDay + "&format=csv"},
	} {
		response, body := q.send(t, b.server)
		if response.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", response.StatusCode, body)
		}
		goldenFile(t, name, body)
		q.path, q.header = strings.Replace(q.path, "/v1/statement", "/v1/office/merchants/10000001/statement", 1), office
		if _, same := q.send(t, b.server); !bytes.Equal(body, same) {
			t.Errorf("the office gets another %s:\n%s", name, same)
		}
		media := response.Header.Get("Content-Type")
		if want := map[string]string{"statement.json": "application/json", "statement.csv": "text/csv; charset=utf-8; header=present"}[name]; media != want {
			t.Errorf("%s is %s", name, media)
		}
	}
}

// Whoever reads the CSV adds it up: opening and movements are closing.
func TestStatementCSVAddsUp(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "statement.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sum, closing := 0, 0
	for _, row := range rows[1:] {
		var amount int
		if _, err := fmt.Sscan(row[4], &amount); err != nil {
			t.Fatal(row, err)
		}
		switch row[0] {
		case "closing":
			closing = amount
		case "opening", "payment", "refund", "settlement":
			sum += amount
		}
	}
	if sum != closing || closing != 1500 || rows[2][7] != `seat 12A, "window"` {
		t.Errorf("%d and %d: %q", sum, closing, rows)
	}
}

// In every profile a merchant gets the same statement; those that sign get it signed.
func TestStatementInAllProfiles(t *testing.T) {
	a, b := keeping(t)
	clients := map[string]*api.Client{"modern": b.client(t, b.modern(t, modernShop, openChest().shop))}
	clients["key"], _ = api.NewClient(api.ClientConfig{BaseURL: b.server.URL, Key: apiKey})
	if !skipsLegacy() {
		clients["legacy"] = b.client(t, b.legacy(t))
	}
	for name, c := range clients {
		for _, lines := range []int{0, 700} {
			a.lines = lines
			s, err := c.Statement(t.Context(), theDay)
			if err != nil {
				t.Fatal(name, err)
			}
			var out bytes.Buffer
			differences, err := api.WriteStatementJSON(&out, s)
			if err != nil || len(differences) > 0 || s.Name != "Sky Tickets" || !s.Complete {
				t.Errorf("%s: %q, %v, %+v", name, differences, err, s)
			}
			if name == "key" && lines == 0 {
				goldenFile(t, "statement.json", out.Bytes())
			}
			if n := strings.Count(out.String(), `"kind"`); n != max(lines, 4) {
				t.Errorf("%s: %d lines", name, n)
			}
		}
		if _, err := c.Statement(t.Context(), "2026-11-28"); statusOf(err) != http.StatusUnprocessableEntity {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A statement that fails half-way is nowhere taken for whole.
func TestStatementCutOff(t *testing.T) {
	a, b := keeping(t)
	a.broken = &platform.Error{Code: platform.CodeUnavailable, Detail: "the store is away"}
	c, _ := api.NewClient(api.ClientConfig{BaseURL: b.server.URL, Key: apiKey})
	s, err := c.Statement(t.Context(), theDay)
	if err == nil {
		_, err = api.WriteStatementJSON(new(bytes.Buffer), s)
	}
	if !errors.Is(err, api.ErrUnknown) {
		t.Errorf("profile key: %v", err)
	}
	if _, err := b.client(t, b.modern(t, modernShop, openChest().shop)).Statement(t.Context(), theDay); statusOf(err) != http.StatusServiceUnavailable {
		t.Errorf("profile modern: %v", err)
	}
	for _, text := range []string{``, `[]`, `{}`, `{"lines":7}`, `{"lines":[`, `{"lines":[{"kind":`, `{"lines":[]`, `{"accounts":7,"lines":[]}`, `{"lines":[7]}`, `{"lines":[]}`} {
		cut := serveText(t, text)
		c, _ := api.NewClient(api.ClientConfig{BaseURL: cut.URL, Key: apiKey})
		s, err := c.Statement(t.Context(), theDay)
		if err == nil {
			_, err = api.WriteStatementCSV(new(bytes.Buffer), &platform.Statement{Day: theDay, Lines: s.Lines})
		}
		if !errors.Is(err, api.ErrUnknown) {
			t.Errorf("%q is taken for whole: %v", text, err)
		}
	}
}

func serveText(t *testing.T, text string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }))
	t.Cleanup(server.Close)
	return server
}

// What does not add up is said in both formats, and by both sides.
func TestStatementThatDoesNotAddUp(t *testing.T) {
	a, b := keeping(t)
	a.off = true
	const want = "acct_10000001 CNY: opening 1000 and the movements come to 1500, closing is 1501"
	_, body := request{method: "GET", path: "/v1/statement?day=" + theDay}.send(t, b.server)
	var whole api.Statement
	if err := json.Unmarshal(body, &whole); err != nil || !slices.Equal(whole.Differences, []string{want}) {
		t.Errorf("%q, %v", whole.Differences, err)
	}
	_, body = request{method: "GET", path: "/v1/statement?format=csv&day=" + theDay}.send(t, b.server)
	if !strings.Contains(string(body), "difference,2026-11-28T00:00:00Z,,,,,,\""+want+"\"") {
		t.Errorf("%s", body)
	}
	c, _ := api.NewClient(api.ClientConfig{BaseURL: b.server.URL, Key: apiKey})
	s, err := c.Statement(t.Context(), theDay)
	if err != nil {
		t.Fatal(err)
	}
	if differences, err := api.WriteStatementCSV(new(bytes.Buffer), s); err != nil || !slices.Equal(differences, []string{want}) {
		t.Errorf("%q, %v", differences, err)
	}
}

// However long a day is, what is held of it at a time is little.
func TestLongStatement(t *testing.T) {
	a, b := keeping(t)
	a.lines = 100_000
	c, _ := api.NewClient(api.ClientConfig{BaseURL: b.server.URL, Key: apiKey})
	s, err := c.Statement(t.Context(), theDay)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for _, err := range s.Lines {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 90_000 {
			runtime.GC()
			runtime.ReadMemStats(&during)
		}
	}
	const most = 4 << 20 // a line is some 250 octets: all would be 25 MB
	if grown := int64(during.HeapAlloc) - int64(before.HeapAlloc); n != a.lines || grown > most {
		t.Errorf("%d lines, %d octets more", n, grown)
	}
}

func TestStatementRequestsThatCannotBe(t *testing.T) {
	_, b := keeping(t)
	for path, field := range map[string]string{
		"/v1/statement": "day",
		"/v1/statement?day=2026-11-27&format=pdf":        "format",
		"/v1/statement?day=2026-11-27&day=2026-11-27":    "day",
		"/v1/statement?day=2026-11-27&merchant=10000001": "merchant",
	} {
		response, body := request{method: "GET", path: path}.send(t, b.server)
		checkProblem(t, response, body, http.StatusBadRequest, api.CodeBadRequest, field)
	}
	response, body := request{method: "GET", path: "/v1/statement?day=yesterday"}.send(t, b.server)
	checkProblem(t, response, body, http.StatusUnprocessableEntity, platform.CodeInvalid, "day")
	office := map[string]string{"Authorization": "Bearer " + operatorKey}
	response, body = request{method: "GET", path: "/v1/office/merchants/7/statement?day=" + theDay, header: office}.send(t, b.server)
	checkProblem(t, response, body, http.StatusNotFound, platform.CodeNotFound, "id")
	response, body = request{method: "GET", path: "/v1/office/merchants/10000001/statement?day=" + theDay}.send(t, b.server)
	checkProblem(t, response, body, http.StatusUnauthorized, platform.CodeUnauthorised, "")
	if skipsLegacy() {
		return
	}
	for _, s := range []api.RequestSigner{b.legacy(t)} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", b.server.URL+"/v1/statement?format=csv&day="+theDay, nil)
		if err := s.SignRequest(r, nil); err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("CSV in fields: %d", answer.StatusCode)
		}
	}
}

func TestSettle(t *testing.T) {
	a, b := keeping(t)
	office, err := api.NewOfficeClient(api.ClientConfig{BaseURL: b.server.URL, Key: operatorKey})
	if err != nil {
		t.Fatal(err)
	}
	s, err := office.Settle(t.Context(), api.Settle{Merchant: shop, Day: theDay, By: "Zhao Min"})
	if err != nil || s.ID != theDay || a.settled[0] != (platform.Settle{ID: theDay, Merchant: shop, Day: theDay, By: "Zhao Min"}) {
		t.Errorf("%+v, %v, %+v", s, err, a.settled)
	}
	header := map[string]string{"Authorization": "Bearer " + operatorKey}
	response, body := request{method: "POST", path: "/v1/office/settlements", body: `{"merchant":"10000001","by":"Min"}`, header: header}.send(t, b.server)
	if response.StatusCode != http.StatusOK || response.Header.Get("Idempotent-Replayed") != "true" || !strings.Contains(string(body), `"payouts":[]`) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	for body, field := range map[string]string{`{"by":"Min"}`: "merchant", `{"merchant":"1","by":"Min"}`: "merchant", `{"merchant":"10000001"}`: "by", `{"merchant":"10000001","by":"Min","amount":1}`: "amount"} {
		response, text := request{method: "POST", path: "/v1/office/settlements", body: body, header: header}.send(t, b.server)
		checkProblem(t, response, text, http.StatusUnprocessableEntity, platform.CodeInvalid, field)
	}
}

// Every act of the office is in its log before it is done, refused or not; what can only
// be looked at is not, nor is who has no key.
func TestOfficeLog(t *testing.T) {
	a, b := keeping(t)
	header := map[string]string{"Authorization": "Bearer " + operatorKey}
	send := func(method, path, body string) {
		request{method: method, path: path, body: body, header: header}.send(t, b.server)
	}
	send("POST", "/v1/office/phones/8613800000001/unlock", `{"slot":1,"by":"Zhao Min","note":"came with her card"}`)
	send("POST", "/v1/office/phones/8613800000001/unlock", `{"slot":2,"by":"Zhao Min","note":"again"}`)
	send("POST", "/v1/office/phones/8613800000001/release", `not JSON`)
	send("POST", "/v1/office/enrolments", `{"phone":"8613900000002","form":"none","by":"Branch 7"}`)
	send("POST", "/v1/office/merchants", `{"id":"10000001","name":"Shop","by":"Zhao Min\u0000"}`)
	send("POST", "/v1/office/merchants/10000001/keys", `{"act":"rotate","kind":"webhook","by":"Li","note":"yearly"}`)
	send("POST", "/v1/office/keys", `{"act":"rotate","kind":"signing","by":"Li","note":"yearly"}`)
	send("POST", "/v1/office/settlements", `{"merchant":"10000001","day":"2026-11-27","by":"Li"}`)
	send("POST", "/v1/office/settlements", `{"merchant":"10000009","by":"Li"}`)
	send("POST", "/v1/office/log", `{"act":"backup","on":"store.backup","by":"Li","note":"nightly"}`)
	send("GET", "/v1/office/merchants", "")
	request{method: "POST", path: "/v1/office/settlements", body: `{"merchant":"10000001","by":"Mallory"}`}.send(t, b.server)
	var log []string
	for _, act := range a.log {
		if act.From != "127.0.0.1" {
			t.Errorf("from %q", act.From)
		}
		log = append(log, fmt.Sprintf("%s %s (%s) by %s: %s %s", act.Outcome, act.Name, act.On, act.By, act.Note, act.Why))
	}
	want := []string{
		"begun unlock (phone 861*****0001, slot 1) by Zhao Min: came with her card ", "done unlock (phone 861*****0001, slot 1) by Zhao Min: came with her card ",
		"begun unlock (phone 861*****0001, slot 2) by Zhao Min: again ", "refused unlock (phone 861*****0001, slot 2) by Zhao Min: again illegal-state: slot",
		"begun release (phone 861*****0001) by :  ", "refused release (phone 861*****0001) by :  bad-request",
		"begun enrol (phone 861*****0002) by Branch 7:  ", "refused enrol (phone 861*****0002) by Branch 7:  invalid: name",
		"begun open_merchant (merchant 10000001) by Zhao Min:  ", "refused open_merchant (merchant 10000001) by Zhao Min:  invalid: by",
		"begun change_merchant_keys (merchant 10000001, rotate webhook) by Li: yearly ", "done change_merchant_keys (merchant 10000001, rotate webhook) by Li: yearly ",
		"begun change_platform_keys (rotate signing) by Li: yearly ", "done change_platform_keys (rotate signing) by Li: yearly ",
		"begun settle (merchant 10000001, day 2026-11-27) by Li:  ", "done settle (merchant 10000001, day 2026-11-27) by Li:  ",
		"begun settle (merchant 10000009) by Li:  ", "refused settle (merchant 10000009) by Li:  not-found: merchant",
		"begun backup (store.backup) by Li: nightly ", "done backup (store.backup) by Li: nightly ",
	}
	if !slices.Equal(log, want) {
		t.Errorf("%s", strings.Join(log, "\n"))
	}
	before := len(a.acts)
	response, body := request{method: "POST", path: "/v1/office/phones/8613800000001/unlock", body: `{"slot":1,"by":"Nobody","note":"x"}`, header: header}.send(t, b.server)
	checkProblem(t, response, body, http.StatusServiceUnavailable, platform.CodeUnavailable, "")
	if len(a.acts) != before {
		t.Error("an act was done that could not be written down")
	}
}

func TestReadOfficeLog(t *testing.T) {
	a, b := keeping(t)
	office, _ := api.NewOfficeClient(api.ClientConfig{BaseURL: b.server.URL, Key: operatorKey})
	if err := office.NoteAct(t.Context(), api.NotedAct{Act: "backup", By: "Li", Note: "nightly"}); err != nil {
		t.Fatal(err)
	}
	page, err := office.Acts(t.Context(), platform.ActQuery{Since: time.Now(), Limit: 7, After: a.log[0].ID})
	if err != nil || len(page.Acts) != 2 || page.Next != a.log[0].ID || page.Acts[1].Outcome != platform.OutcomeDone {
		t.Errorf("%+v, %v", page, err)
	}
	if page, err := office.Acts(t.Context(), platform.ActQuery{By: "nobody"}); err != nil || page.Acts == nil || len(page.Acts) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
	header := map[string]string{"Authorization": "Bearer " + operatorKey}
	for query, field := range map[string]string{"since=yesterday": "since", "after=7": "after", "limit=0": "limit", "limit=201": "limit", "who=me": "who"} {
		response, body := request{method: "GET", path: "/v1/office/log?" + query, header: header}.send(t, b.server)
		checkProblem(t, response, body, http.StatusBadRequest, api.CodeBadRequest, field)
	}
}
