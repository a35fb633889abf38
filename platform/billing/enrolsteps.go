package billing

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
)

// enrolling is an enrolment on its way.
type enrolling struct {
	platform.Enrolment
	secrets  applet.EnrolmentSecrets // open
	register Register
	version  uint8         // of the packet keys that the element is given
	sealed   applet.Sealed // the personalisation
	err      error
}

// enrolStep takes an enrolment one step further: by computing, or by asking the engine
// and waiting for it.
type enrolStep struct {
	do   func(context.Context, *enrolling) error
	asks bool
}

// enrolSteps are the steps in order. Nothing is bound before all of it is known to be
// possible.
func (s *Service) enrolSteps() []enrolStep {
	return []enrolStep{{do: s.describe}, {do: s.findKeys, asks: true}, {do: s.personalise}, {do: s.bind, asks: true}}
}

// Enrol opens mobile payment for a person and answers the element's personalisation. A
// repeat answers the same again, with the packet keys that the element has by now.
func (s *Service) Enrol(ctx context.Context, e platform.Enrolment) (applet.Sealed, error) {
	secrets, err := s.config.Vault.OpenSecrets(e.Secrets)
	if err != nil {
		return nil, invalid("secrets", "not sealed to this platform's branch key")
	}
	one := &enrolling{Enrolment: e, secrets: secrets}
	for _, step := range s.enrolSteps() {
		if err := step.do(ctx, one); err != nil {
			return nil, err
		}
	}
	return one.sealed, nil
}

// EnrolBatch opens mobile payment for several people. All of them take a step before one
// takes the next: what they ask of a partition comes together, and is committed together.
func (s *Service) EnrolBatch(ctx context.Context, b platform.EnrolmentBatch) ([]platform.EnrolmentOutcome, error) {
	secrets, err := s.config.Vault.OpenAllSecrets(b.Secrets)
	if err != nil {
		return nil, invalid("secrets", "not sealed to this platform's branch key")
	}
	if len(secrets) != len(b.Enrolments) {
		return nil, invalid("secrets", fmt.Sprintf("of %d people, and there are %d enrolments", len(secrets), len(b.Enrolments)))
	}
	all := make([]enrolling, len(secrets))
	for i, e := range b.Enrolments {
		all[i] = enrolling{Enrolment: e, secrets: secrets[i]}
	}
	for _, step := range s.enrolSteps() {
		step.takeAll(ctx, all)
	}
	done := make([]platform.EnrolmentOutcome, len(all))
	for i, one := range all {
		if done[i].Err = one.err; one.err == nil {
			done[i].Personalisation = one.sealed
		}
	}
	return done, nil
}

// takeAll takes all of a batch who were not refused, and are not to be passed over: all
// of them at a time to ask, as many as there are processors to compute.
func (step enrolStep) takeAll(ctx context.Context, all []enrolling) {
	atOnce := len(all)
	if !step.asks {
		atOnce = min(atOnce, runtime.GOMAXPROCS(0))
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)); i = next.Add(1) - 1 {
				if one := &all[i]; one.err == nil && one.Phone != "" {
					one.err = step.do(ctx, one)
				}
			}
		})
	}
	wg.Wait()
}

// describe makes the register entry.
func (s *Service) describe(_ context.Context, e *enrolling) (err error) {
	e.register, err = s.registerOf(e.Enrolment, e.secrets)
	return err
}

// findKeys finds the version of the packet keys that the element is given: that of the
// phone if it is enrolled so already, else the newest.
func (s *Service) findKeys(ctx context.Context, e *enrolling) error {
	if e.register.Bare() {
		return nil
	}
	known, err := s.do(ctx, s.PhonePartition(e.Phone), FindPhone{Phone: e.Phone})
	switch {
	case isCode(err, platform.CodeUnknownPhone):
		e.version = s.config.Vault.Version()
		return nil
	case err != nil:
		return err
	case !sameEnrolment(known.(Found).Register, e.register):
		return otherEnrolment()
	}
	e.version = known.(Found).Version
	return nil
}

// personalise seals to the element what makes it the holder's.
func (s *Service) personalise(_ context.Context, e *enrolling) (err error) {
	if e.register.Bare() {
		return nil
	}
	e.sealed, err = s.config.Vault.Personalise(keys.Enrolment{
		Element: e.register.Element, Suite: e.register.Suite, Version: e.version, PublicKey: e.PublicKey, Secrets: e.secrets,
	})
	if err != nil {
		return invalid("public_key", "not the public key of a secure element")
	}
	return nil
}

// bind claims the element for the phone, then keeps the phone.
func (s *Service) bind(ctx context.Context, e *enrolling) error {
	reg := e.register
	if !reg.Bare() {
		_, err := s.do(ctx, s.elementPartition(reg.Element), ClaimElement{Element: reg.Element, Phone: reg.MSISDN})
		if err != nil {
			return err
		}
	}
	_, err := s.do(ctx, s.PhonePartition(reg.MSISDN), Enrol{Phone: reg, Version: e.version, Accounts: e.Accounts})
	return err
}
