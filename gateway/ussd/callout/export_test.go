package callout

import "github.com/airtill/airtill/gateway/ussd"

// Forms are the names of the forms.
var Forms = []string{africasTalking, "hubtel", "arkesel"}

// ReadAnswer reads an answer of a form.
func ReadAnswer(form, session string, body []byte) (ussd.Reply, error) {
	return forms[form].answer(ussd.Turn{Session: session}, body)
}
