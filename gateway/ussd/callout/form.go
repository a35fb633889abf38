package callout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/airtill/airtill/gateway/ussd"
)

// form is how an aggregator speaks to applications.
type form interface {
	request(c *Code, t ussd.Turn) content
	answer(t ussd.Turn, body []byte) (ussd.Reply, error)
	// notice is what tells of the end, if anything does.
	notice(c *Code, s ussd.Summary) (to string, n content, ok bool)
}

const africasTalking = "africastalking"

var forms = map[string]form{africasTalking: africasTalkingForm{}, "hubtel": hubtelForm{}, "arkesel": arkeselForm{}}

// ErrAnswer says that an answer is not of its form.
var ErrAnswer = errors.New("not an answer of the form")

func badAnswer(format string, args ...any) (ussd.Reply, error) {
	return ussd.Reply{}, fmt.Errorf("callout: %w: "+format, append([]any{ErrAnswer}, args...)...)
}

func or(text, standard string) string {
	if text == "" {
		return standard
	}
	return text
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// africasTalkingForm is Africa's Talking's.
type africasTalkingForm struct{}

const sandbox = "99999" // networkCode of the sandbox

func (africasTalkingForm) request(c *Code, t ussd.Turn) content {
	return content{formType, url.Values{
		"sessionId":   {"ATUid_" + t.Session},
		"phoneNumber": {"+" + t.Phone},
		"networkCode": {or(c.Network, sandbox)},
		"serviceCode": {t.Code},
		"text":        {strings.Join(t.Inputs, "*")},
	}.Encode()}
}

func (africasTalkingForm) answer(_ ussd.Turn, body []byte) (ussd.Reply, error) {
	if !utf8.Valid(body) {
		return badAnswer("not UTF-8")
	}
	word, text, _ := strings.Cut(string(body), " ")
	switch word {
	case "CON":
		return ussd.Reply{Text: text}, nil
	case "END":
		return ussd.Reply{Text: text, End: true}, nil
	}
	return badAnswer("it begins with neither `CON ` nor `END `")
}

// said is an answer as it was sent.
func (africasTalkingForm) said(r ussd.Reply) string {
	switch {
	case r.End:
		return "END " + r.Text
	case r.Text == "":
		return ""
	default:
		return "CON " + r.Text
	}
}

func (f africasTalkingForm) notice(c *Code, s ussd.Summary) (string, content, bool) {
	status := "Failed"
	switch s.Result {
	case ussd.Completed:
		status = "Success"
	case ussd.UserAbort, ussd.UserTimeout, ussd.Collision, ussd.NetworkError:
		status = "Incomplete"
	case ussd.ApplicationTimeout, ussd.ApplicationError:
	}
	v := url.Values{
		"date":             {s.Began.Add(s.Duration).UTC().Format(time.DateTime)},
		"sessionId":        {"ATUid_" + s.Session},
		"serviceCode":      {s.Code},
		"networkCode":      {or(c.Network, sandbox)},
		"phoneNumber":      {"+" + s.Phone},
		"status":           {status},
		"cost":             {"0"},
		"durationInMillis": {strconv.FormatInt(s.Duration.Milliseconds(), 10)},
		"hopsCount":        {strconv.Itoa(s.Number)},
		"input":            {strings.Join(s.Inputs, "*")},
		"lastAppResponse":  {f.said(s.Last)},
	}
	if status == "Failed" {
		v.Set("errorMessage", or(s.Detail, s.Result.String()))
	}
	return c.Notify, content{formType, v.Encode()}, c.Notify != ""
}

// hubtelForm is Hubtel's.
type hubtelForm struct{}

type hubtelRequest struct {
	SessionID   string `json:"SessionId"`
	Mobile      string
	ServiceCode string
	Type        string
	Message     string
	Operator    string
	Sequence    int
	ClientState string
}

func (hubtelForm) body(c *Code, t ussd.Turn, kind, message string) content {
	return jsonContent(hubtelRequest{
		SessionID: t.Session, Mobile: t.Phone, ServiceCode: strings.Trim(t.Code, "*#"), Type: kind, Message: message,
		Operator: or(c.Network, "airtill"), Sequence: t.Number, ClientState: t.State,
	})
}

func (f hubtelForm) request(c *Code, t ussd.Turn) content {
	if t.Number == 1 {
		return f.body(c, t, "initiation", t.Dialled)
	}
	return f.body(c, t, "response", last(t.Inputs))
}

func (hubtelForm) answer(_ ussd.Turn, body []byte) (ussd.Reply, error) {
	var a struct{ Type, Message, ClientState *string }
	if err := readJSON(body, &a); err != nil {
		return badAnswer("%v", err)
	}
	switch {
	case a.Type == nil || a.Message == nil:
		return badAnswer("it needs Type and Message")
	case !strings.EqualFold(*a.Type, "response") && !strings.EqualFold(*a.Type, "release"):
		return badAnswer("Type %q is neither response nor release", *a.Type)
	}
	r := ussd.Reply{Text: *a.Message, End: strings.EqualFold(*a.Type, "release")}
	if a.ClientState != nil {
		r.State = *a.ClientState
	}
	return r, nil
}

// notice tells of a user who has gone. An application that ended the session knows.
func (f hubtelForm) notice(c *Code, s ussd.Summary) (string, content, bool) {
	t := s.Turn
	t.Number++
	t.State = s.Last.State
	switch s.Result {
	case ussd.UserAbort, ussd.Collision, ussd.NetworkError:
		return c.To, f.body(c, t, "release", ""), true
	case ussd.UserTimeout:
		return c.To, f.body(c, t, "timeout", ""), true
	case ussd.Completed, ussd.ApplicationTimeout, ussd.ApplicationError:
	}
	return "", content{}, false
}

// arkeselForm is Arkesel's.
type arkeselForm struct{}

type arkeselRequest struct {
	SessionID  string `json:"sessionID"`
	UserID     string `json:"userID"`
	NewSession bool   `json:"newSession"`
	MSISDN     string `json:"msisdn"`
	UserData   string `json:"userData"`
	Network    string `json:"network"`
}

func (arkeselForm) request(c *Code, t ussd.Turn) content {
	data := t.Dialled
	if t.Number > 1 {
		data = last(t.Inputs)
	}
	return jsonContent(arkeselRequest{
		SessionID: t.Session, UserID: or(c.User, "airtill"), NewSession: t.Number == 1,
		MSISDN: t.Phone, UserData: data, Network: or(c.Network, "airtill"),
	})
}

func (arkeselForm) answer(t ussd.Turn, body []byte) (ussd.Reply, error) {
	var a struct {
		SessionID       *string `json:"sessionID"`
		ContinueSession *bool   `json:"continueSession"`
		Message         *string `json:"message"`
	}
	if err := readJSON(body, &a); err != nil {
		return badAnswer("%v", err)
	}
	switch {
	case a.ContinueSession == nil || a.Message == nil:
		return badAnswer("it needs continueSession and message")
	case a.SessionID != nil && *a.SessionID != t.Session:
		return badAnswer("sessionID is another session's")
	}
	return ussd.Reply{Text: *a.Message, End: !*a.ContinueSession}, nil
}

func (arkeselForm) notice(*Code, ussd.Summary) (string, content, bool) { return "", content{}, false }

func last(inputs []string) string {
	if len(inputs) == 0 {
		return ""
	}
	return inputs[len(inputs)-1]
}

func jsonContent(v any) content {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // structs of strings, numbers and booleans
	}
	return content{jsonType, string(b)}
}

// readJSON reads one JSON object and nothing behind it.
func readJSON(body []byte, v any) error {
	if !utf8.Valid(body) {
		return errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(v); err != nil {
		return errors.New("not a JSON object with fields of the right types")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}
