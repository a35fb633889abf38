package esme_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
)

// A client tells since when it is bound, how full its window is, and why it is not bound.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{Window: 3})
		if st := r.c.Status(); st.Bound || st.Why == nil {
			t.Errorf("before: %+v", st)
		}
		far := r.bound()
		synctest.Wait()
		began := time.Now()
		time.Sleep(time.Second)
		go func() { _, _ = r.c.Submit(t.Context(), &smpp.SubmitSM{}) }()
		sm := far.want(smpp.IDSubmitSM, smpp.ROK)
		if st := r.c.Status(); !st.Bound || !st.Since.Equal(began) || st.Why != nil || st.Window != 3 || st.InUse != 1 {
			t.Errorf("with one unanswered: %+v", st)
		}
		far.answer(sm, smpp.ROK)
		synctest.Wait()
		if st := r.c.Status(); st.InUse != 0 {
			t.Errorf("with none: %+v", st)
		}
		lost := time.Now()
		_ = far.conn.Close()
		synctest.Wait()
		if st := r.c.Status(); st.Bound || !st.Since.Equal(lost) || st.Why == nil {
			t.Errorf("after: %+v", st)
		}
		r.stop()
		<-r.ended
	})
}
