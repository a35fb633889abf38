package peers

import (
	_ "embed" // Kannel's configuration
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"
)

//go:embed testdata/kannel.conf
var kannelConf string

// KannelConfig says where Kannel binds and as whom.
type KannelConfig struct {
	SMSC     *net.TCPAddr
	SystemID string
	Password string
	Separate bool   // a transmitter and a receiver in place of a transceiver
	IDType   string // its msg-id-type; empty takes a message_id as it is
}

// Kannel is the SMS gateway of that name as a client of an SMSC: bearerbox, which
// speaks SMPP, and smsbox, which takes what is to be sent over HTTP and tells over
// HTTP what came.
type Kannel struct {
	t         testing.TB
	bearerbox *box
	smsbox    *box
	sendsms   string // where smsbox takes what is to be sent
	listener  string // where it tells
	reports   chan url.Values
	messages  chan url.Values
}

// StartKannel starts Kannel and waits until it takes messages. It binds by itself.
func StartKannel(t testing.TB, cfg KannelConfig) *Kannel {
	t.Helper()
	Want(t, "bearerbox", "smsbox")
	k := &Kannel{t: t, reports: make(chan url.Values, 1024), messages: make(chan url.Values, 1024)}
	listener := httptest.NewServer(http.HandlerFunc(k.told))
	t.Cleanup(listener.Close)
	ports := freePorts(t, 3)
	conf := filepath.Join(t.TempDir(), "kannel.conf")
	writeConf(t, conf, map[string]any{"Cfg": cfg, "Admin": ports[0], "Smsbox": ports[1], "Sendsms": ports[2], "Listener": listener.URL})
	k.listener, k.sendsms = listener.URL, "http://"+onLoopback(ports[2])+"/cgi-bin/sendsms?"
	k.bearerbox = startBox(t, "bearerbox", conf)
	k.bearerbox.await("INFO: MAIN: Start-up done")
	poll(t, "bearerbox does not listen to smsbox", func() bool { return listens(onLoopback(ports[1])) })
	k.smsbox = startBox(t, "smsbox", conf)
	k.smsbox.await("(gw/heartbeat.c:heartbeat_thread)") // what it starts last: asked before that, it crashes
	// Before bearerbox lists smsbox it warns of what it would hand on.
	status := "http://" + onLoopback(ports[0]) + "/status.txt"
	poll(t, "bearerbox does not list smsbox", func() bool { return strings.Contains(page(status), "smsbox:") })
	return k
}

// page is what there is at a URL, nothing if that cannot be had.
func page(at string) string {
	client := http.Client{Timeout: patience}
	resp, err := client.Get(at)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body) // a part of it will do
	return string(text)
}

func writeConf(t testing.TB, path string, values map[string]any) {
	t.Helper()
	var text strings.Builder
	if err := template.Must(template.New("kannel.conf").Parse(kannelConf)).Execute(&text, values); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// told takes what smsbox tells. The answer is a text, which smsbox would send, so it is empty.
func (k *Kannel) told(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	switch r.URL.Path {
	case "/report":
		k.reports <- r.URL.Query()
	case "/message":
		k.messages <- r.URL.Query()
	}
}

// Kinds of reports, as Kannel's dlr-mask has them.
const (
	Delivered    = "1" // a receipt said so
	NotDelivered = "2" // a receipt said so
	SMSCTook     = "8"
	SMSCRefused  = "16"
)

// Send has Kannel send a message. fields are those of its sendsms: from, to, text,
// coding, charset, udh; name is what its reports will call it.
func (k *Kannel) Send(name string, fields map[string]string) {
	k.t.Helper()
	form := url.Values{
		"username": {"airtill"}, "password": {"airtill"}, "dlr-mask": {"27"}, // all four
		"dlr-url": {k.listener + "/report?of=" + name + "&type=%d&answer=%A"},
	}
	for field, value := range fields {
		form.Set(field, value)
	}
	client := http.Client{Timeout: patience}
	resp, err := client.Get(k.sendsms + form.Encode())
	if err != nil {
		k.t.Fatalf("sendsms: %v; the end of its log:\n%s", err, k.smsbox.tail())
	}
	defer resp.Body.Close()
	if answer, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusAccepted {
		k.t.Fatalf("sendsms answered %s %q, %v", resp.Status, answer, err)
	}
}

// Report is the next of what became of what was sent: of, the name it was sent
// under, type, the kind, and answer, what the SMSC said.
func (k *Kannel) Report() url.Values { k.t.Helper(); return k.next(k.reports, "report") }

// Message is the next that came in: from, to, text, coding, charset, udh.
func (k *Kannel) Message() url.Values { k.t.Helper(); return k.next(k.messages, "message") }

func (k *Kannel) next(told chan url.Values, what string) url.Values {
	k.t.Helper()
	select {
	case values := <-told:
		return values
	case <-time.After(patience):
		k.t.Fatalf("Kannel told no %s; the end of its log:\n%s", what, k.bearerbox.tail())
		return nil
	}
}

// Stop ends Kannel, which unbinds, and returns what it complained of: every line of
// its two logs above INFO but for the one that tells of the stop.
func (k *Kannel) Stop() (complaints []string) {
	k.t.Helper()
	k.bearerbox.stop()
	k.smsbox.kill() // asked to end while it has a callback going, it may never
	return append(k.smsbox.complaints(), k.bearerbox.complaints()...)
}
