package ussd

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrCode says that a text is nothing a phone would dial as USSD.
var ErrCode = errors.New("not a USSD code: it begins with * or #, ends with #, and has digits, * and # between, such as *120#")

// CheckCode says whether a text is a USSD code (TS 22.030 §6.5.2, in its general form).
func CheckCode(code string) error {
	begins := strings.HasPrefix(code, "*") || strings.HasPrefix(code, "#")
	if len(code) < 3 || !begins || !strings.HasSuffix(code, "#") || strings.Trim(code, "0123456789*#") != "" {
		return fmt.Errorf("%q: %w", code, ErrCode)
	}
	return nil
}

// Route leads a dialled code to its application.
type Route struct {
	// Code is what is dialled. What is dialled after it (*120*5# under *120#) is the
	// user's first input.
	Code string
	// Account is the system_id of an ESME, or else Application answers in this process.
	Account     string
	Application Application
	// Timeout is how long the application may take; zero is Config.Timeouts.Application.
	Timeout time.Duration
}

// Validate says what is wrong with a route.
func (r *Route) Validate() error {
	if err := CheckCode(r.Code); err != nil {
		return err
	}
	switch {
	case len(r.Code) > maxAddress:
		return fmt.Errorf("code %s: over %d characters, which an SMPP address does not hold", r.Code, maxAddress)
	case (r.Account == "") == (r.Application == nil):
		return fmt.Errorf("code %s: it needs an account or an application, and not both", r.Code)
	case r.Timeout < 0:
		return fmt.Errorf("code %s: a negative timeout", r.Code)
	}
	return nil
}

// routes finds the application of what is dialled.
type routes map[string]Route

func newRoutes(list []Route) (routes, error) {
	rs := make(routes, len(list))
	for _, r := range list {
		if err := r.Validate(); err != nil {
			return nil, err
		}
		if _, twice := rs[r.Code]; twice {
			return nil, fmt.Errorf("code %s: twice", r.Code)
		}
		rs[r.Code] = r
	}
	return rs, nil
}

// find is the route of the longest code that was dialled, with what came after it. A
// code without a route may be an account's number: owner says whose.
func (rs routes) find(dialled string, owner func(code string) string) (r Route, rest string, ok bool) {
	base := strings.TrimSuffix(dialled, "#")
	for end := len(base); end > 0; end = strings.LastIndexByte(base[:end], '*') {
		code, rest := base[:end]+"#", strings.TrimPrefix(base[end:], "*")
		if r, ok := rs[code]; ok {
			return r, rest, true
		}
		if account := owner(code); account != "" {
			return Route{Code: code, Account: account}, rest, true
		}
	}
	return Route{}, "", false
}
