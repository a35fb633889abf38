// Package api is what merchants and operators say to the platform over HTTP: the
// wire types, the [Handler] that serves them, the [Client] and [OfficeClient] that
// ask, and the signature on callbacks, which merchants verify with [WebhookSecret].
//
// # Bills
//
// A merchant's requests carry its key: "Authorization: Bearer API_KEY".
//
//	POST /v1/bills               202  takes an order, answers its bill at once; Location names it
//	GET  /v1/bills/{id}          200  one bill
//	GET  /v1/bills               200  {"bills":[...],"next":"bill_..."}, newest first;
//	                                  filters state=, reference=; pages limit= (1 to 200, else 50), after=
//	POST /v1/bills/{id}/cancel   200  withdraws a bill that is not paid yet
//	GET  /v1/bills/{id}/events   200  {"events":[...]}: the bill's story, oldest first
//
// An [Order] is one JSON object of at most 64 KiB. It is read strictly: a field that
// is unknown, doubled, of another type or out of bounds is refused by its name. What
// was left out may also be null. Fields:
//
//	reference     required  the merchant's own, 1 to 64 printable characters, unique for it
//	amount        required  in minor units, 1 to 999999999999
//	currency      required  ISO 4217 letters
//	phone         required  E.164 digits: the designated phone, that the bill goes to
//	buyer_phone             who ordered, when that is another phone
//	payee                   account of the merchant, 1 to 64 characters; its default when left out
//	expires_in              a Go duration of 1s to 720h; 15m when left out
//	callback_url            http or https; the merchant's own when left out
//	subject                 one line for the phone's screen, up to 64 characters
//	goods                   any JSON of at most 16 KiB
//
// An Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07, quoted or bare,
// at most 255 characters) may come with an order; the reference serves when it does
// not. The same order again answers the same bill, with Idempotent-Replayed: true, and
// changes nothing: it is the way to find out what became of a request whose answer
// was lost. Phone numbers in answers and callbacks are masked.
//
// # Office
//
// The platform's own staff carry the operator's key.
//
//	GET  /v1/office/branch-key   200  the key that enrolment secrets are sealed to
//	POST /v1/office/enrolments   201  binds cards to a secure element, answers its personalisation
//	GET  /v1/office/phones       200  who is enrolled
//	POST /v1/office/merchants    201  opens a merchant; the one answer with its keys
//	GET  /v1/office/merchants    200  merchants and balances
//	GET  /livez, /readyz         200, or 503 while not ready; no key is asked for
//
// # Errors
//
// Every error is application/problem+json (RFC 9457) with type, title, status,
// detail, instance and, when a field is to blame, field. The type is
// urn:airtill:problem:CODE, stable, and loads nothing.
//
//	400  bad-request           not readable: no JSON object, a header or query that is wrong
//	400  digest-mismatch       the content is not what Content-Digest says
//	401  unauthorised          no key, or not one of ours; WWW-Authenticate says what is asked for
//	404  not-found             no such thing, or another merchant's
//	405  method-not-allowed    Allow says which are
//	409  reference-taken       the reference belongs to another order
//	409  illegal-state         the bill's state forbids it
//	409  already-enrolled      the phone or the element is in use
//	413  too-large             the body is over its cap
//	415  unsupported-type      the body is said to be neither JSON nor what curl -d says of it, or is encoded
//	422  invalid               a field of the body is missing or wrong
//	422  unknown-phone         the designated phone is not enrolled
//	422  idempotency-mismatch  the key came with another order
//	500  internal              our fault
//	503  unavailable           not done; try again
//	504  unknown-outcome       may be done; repeat the same request to find out
//
// # Integrity
//
// Content-Digest (RFC 9530, sha-256 and sha-512) is verified where a request has it,
// and set on every answer and callback; [Client] sets it on its requests and
// checks that answers match theirs. Digests of other algorithms are passed over. Signed
// requests have their place in [RequestSigner] and [RequestVerifier]; no
// implementation is here yet.
//
// # Callbacks
//
// Results go to merchants as POST of a [Callback], signed by Standard Webhooks
// 1.0.0; see [WebhookSecret.Verify]. A merchant answers 2xx at once; the
// webhook-id is the same in every attempt, and may come more than once.
package api

import "time"

// Bounds of a request.
const (
	MaxBody      = 64 << 10 // octets of a request's body
	MaxGoods     = 16 << 10 // octets of an order's goods
	MaxReference = 64       // characters
	MaxSubject   = 64       // characters
	MaxPayee     = 64       // characters
	MaxURL       = 2048     // octets
	MaxKey       = 255      // octets of an idempotency key
	MaxLimit     = 200      // bills in a page

	DefaultExpiry = 15 * time.Minute
	MinExpiry     = time.Second
	MaxExpiry     = 30 * 24 * time.Hour
)

// Header fields that net/http has no names for.
const (
	headerDigest      = "Content-Digest"
	headerIdempotency = "Idempotency-Key"
	headerReplayed    = "Idempotent-Replayed" // "true" on an answer to a request that was answered before
	contentJSON       = "application/json"
	contentForm       = "application/x-www-form-urlencoded" // what curl -d says of any body
	contentProblem    = "application/problem+json"
)
