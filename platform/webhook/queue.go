package webhook

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/platform/billing"
)

// job is an attempt that waits for its turn, or is under way.
type job struct {
	partition engine.Partition
	callback  billing.Callback
	endpoint  string
	letter    letter

	expiry *time.Timer // runs while it waits
}

// key names the attempt.
func (j *job) key() string {
	return string(j.callback.Bill) + string(j.callback.Refund) + "/" + strconv.Itoa(j.callback.Attempt)
}

func (j *job) outcome() billing.Reported {
	return billing.Reported{Bill: j.callback.Bill, Refund: j.callback.Refund, Attempt: j.callback.Attempt}
}

func (j *job) failed(problem string) *billing.Reported {
	o := j.outcome()
	o.Problem = problem
	return &o
}

// endpointOf is a URL without what differs from bill to bill, or may be secret.
func endpointOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "unreadable"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// line is a merchant's queue.
type line struct {
	waiting   []*job // in the order they came, but those by hand go first
	active    int
	endpoints map[string]*endpoint // those that are used or in trouble
}

// endpoint is how an endpoint has answered lately.
type endpoint struct {
	active   int
	limit    int // attempts at a time
	failures int // in a row
	until    time.Time
	resume   *time.Timer // runs until then
}

// An endpoint that has failed so often in a row is paused.
const (
	mostFailures = 5
	leastPause   = time.Second
	mostPause    = time.Minute
)

// mostEndpoints is how many endpoints of a merchant are remembered while they do nothing.
const mostEndpoints = 256

// admits says whether the endpoint may have one more attempt.
func (e *endpoint) admits(now time.Time) bool {
	limit := e.limit
	if e.failures >= mostFailures {
		limit = 1
	}
	return e.active < limit && !now.Before(e.until)
}

// learn takes what an attempt came to.
func (e *endpoint) learn(o billing.Reported, now time.Time, most int) {
	if o.Problem == "" {
		e.failures, e.until, e.limit = 0, time.Time{}, min(e.limit+1, most)
		return
	}
	e.failures++
	var pause time.Duration
	switch o.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.limit = max(1, e.limit/2)
		pause = max(leastPause, o.RetryAfter)
	}
	if over := e.failures - mostFailures; over >= 0 {
		pause = max(pause, min(leastPause<<min(over, 10), mostPause))
	}
	if until := now.Add(pause); pause > 0 && until.After(e.until) {
		e.until = until
	}
}

// enqueue starts an attempt or has it wait. An outcome that it answers is known at once.
func (d *Deliverer) enqueue(j *job) (*billing.Reported, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	if d.jobs[j.key()] {
		return nil, nil // it is the same attempt, performed again
	}
	l, ok := d.lines[j.callback.Merchant]
	if !ok {
		l = &line{endpoints: make(map[string]*endpoint)}
		d.lines[j.callback.Merchant] = l
	}
	if len(l.waiting) >= d.config.Queue && !j.callback.ByHand {
		d.stats.Refused++
		return j.failed("not tried: too many callbacks of this merchant wait"), nil
	}
	at := len(l.waiting)
	if j.callback.ByHand {
		at = 0
	}
	l.waiting = slices.Insert(l.waiting, at, j)
	d.jobs[j.key()] = true
	d.working.Add(1) // until its outcome is reported
	d.dispatch(l)
	if slices.Contains(l.waiting, j) {
		j.expiry = time.AfterFunc(d.config.Wait, func() { d.expire(l, j) })
	}
	return nil, nil
}

// dispatch starts what may start. The lock is held. One by hand asks nobody's leave.
func (d *Deliverer) dispatch(l *line) {
	now := time.Now()
	for i := 0; i < len(l.waiting); {
		j := l.waiting[i]
		e := d.endpoint(l, j.endpoint)
		if !j.callback.ByHand && (l.active >= d.config.Concurrency || !e.admits(now)) {
			d.resumeLater(l, e, now)
			i++
			continue
		}
		l.waiting = slices.Delete(l.waiting, i, i+1)
		if j.expiry != nil {
			j.expiry.Stop()
		}
		l.active++
		e.active++
		go d.work(l, e, j)
	}
}

func (d *Deliverer) endpoint(l *line, url string) *endpoint {
	e, ok := l.endpoints[url]
	if !ok {
		e = &endpoint{limit: d.config.Concurrency}
		l.endpoints[url] = e
	}
	return e
}

// resumeLater looks at the line again when the endpoint's pause is over.
func (d *Deliverer) resumeLater(l *line, e *endpoint, now time.Time) {
	if e.resume != nil || !now.Before(e.until) {
		return
	}
	e.resume = time.AfterFunc(e.until.Sub(now), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		e.resume = nil
		d.dispatch(l)
	})
}

// work makes an attempt, reports its outcome, and lets the next one start.
func (d *Deliverer) work(l *line, e *endpoint, j *job) {
	defer d.working.Done()
	began := time.Now()
	outcome := j.outcome()
	d.attempt(d.ctx, j.callback, j.letter, &outcome)
	givenUp := d.ctx.Err() != nil // there is no outcome
	d.mu.Lock()
	l.active--
	e.active--
	if !givenUp {
		e.learn(outcome, time.Now(), d.config.Concurrency)
		d.stats.add(outcome, time.Since(began))
	}
	d.dispatch(l)
	d.tidy(j, l, e)
	d.mu.Unlock()
	if !givenUp {
		d.tell(j, outcome)
	}
	d.end(j)
}

// end forgets an attempt whose outcome is reported.
func (d *Deliverer) end(j *job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.jobs, j.key())
}

// tidy forgets an endpoint that works, and a line with nothing in it. The lock is held.
func (d *Deliverer) tidy(j *job, l *line, e *endpoint) {
	waits := slices.ContainsFunc(l.waiting, func(o *job) bool { return o.endpoint == j.endpoint })
	if e.active == 0 && !waits && (e.failures == 0 || len(l.endpoints) > mostEndpoints) {
		delete(l.endpoints, j.endpoint)
	}
	if l.active == 0 && len(l.waiting) == 0 && len(l.endpoints) == 0 && d.lines[j.callback.Merchant] == l {
		delete(d.lines, j.callback.Merchant)
	}
}

// expire reports that an attempt's turn did not come.
func (d *Deliverer) expire(l *line, j *job) {
	d.mu.Lock()
	i := slices.Index(l.waiting, j)
	if i < 0 {
		d.mu.Unlock()
		return
	}
	l.waiting = slices.Delete(l.waiting, i, i+1)
	outcome := j.failed("not tried: others to this merchant take too long")
	if e := d.endpoint(l, j.endpoint); time.Now().Before(e.until) {
		outcome.Problem = "not tried: the endpoint fails, and is left in peace"
		outcome.RetryAfter = time.Until(e.until)
	}
	d.stats.Skipped++
	d.mu.Unlock()
	defer d.working.Done()
	d.report(j, *outcome)
	d.end(j)
}

// The pauses between tries to report an outcome.
const (
	reportPause  = 100 * time.Millisecond
	reportPauses = time.Second
	reportTime   = 10 * time.Second // then the bill has given up waiting
)

// tell reports the outcome of an attempt to the bill, and what it says of the endpoint to
// the endpoint's partition.
func (d *Deliverer) tell(j *job, o billing.Reported) {
	d.report(j, o)
	if d.config.Endpoints == nil {
		return
	}
	m := j.callback.Merchant
	if o.Problem != "" {
		_ = d.config.Endpoints.EndpointFailed(d.ctx, billing.EndpointFailed{Merchant: m, URL: j.endpoint, Status: o.Status, Problem: o.Problem}) // the next failure says it again
		return
	}
	if _, failing, err := d.config.Endpoints.Endpoint(d.ctx, m, j.endpoint); err == nil && failing {
		_ = d.config.Endpoints.EndpointWorks(d.ctx, billing.EndpointWorks{Merchant: m, URL: j.endpoint}) // so does the next success
	}
}

// abandon gives up what waits.
func (d *Deliverer) abandon() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
		for _, j := range l.waiting {
			if j.expiry != nil {
				j.expiry.Stop()
			}
			d.working.Done()
		}
		l.waiting = nil
		for _, e := range l.endpoints {
			if e.resume != nil {
				e.resume.Stop()
			}
		}
	}
}

// report reports an outcome, and tries again when it could not be kept. What cannot be
// reported in time has failed by the bill's own deadline.
func (d *Deliverer) report(j *job, o billing.Reported) {
	ctx, cancel := context.WithTimeout(d.ctx, reportTime)
	defer cancel()
	for pause := reportPause; ; pause = min(2*pause, reportPauses) {
		fault.Point(fault.AfterAnswer)
		err := d.config.Report(ctx, j.partition, o)
		if err == nil || !errors.Is(err, engine.ErrUnavailable) && !errors.Is(err, engine.ErrBusy) && !errors.Is(err, engine.ErrUnknown) {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}
