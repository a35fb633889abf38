// Package api is what merchants and operators say to the platform over HTTP: the
// wire types, the [Handler] that serves them, the [Client] and [OfficeClient] that
// ask, and what a merchant's profile does to requests, answers and callbacks:
// [Webhooks], [Modern] and [Legacy].
//
// # Bills
//
// A merchant shows who it is as its profile has it; see below.
//
//	POST /v1/bills               202  takes an order, answers its bill at once; Location names it
//	GET  /v1/bills/{id}          200  one bill
//	GET  /v1/bills               200  {"bills":[...],"next":"bill_..."}, newest first;
//	                                  filters state=, reference=; pages limit= (1 to 200, else 50), after=
//	POST /v1/bills/{id}/cancel   200  withdraws a bill that is not paid yet
//	GET  /v1/bills/{id}/events   200  {"events":[...]}: the bill's story, oldest first, then its refunds'
//	POST /v1/bills/{id}/refunds  202  gives money of a settled bill back; Location names the refund
//	GET  /v1/bills/{id}/refunds  200  {"refunds":[...]}: the bill's refunds, oldest first
//	GET  /v1/refunds/{id}        200  one refund
//	GET  /v1/statement           200  day=2026-11-27, format=json or csv: the merchant's UTC day; see below
//	GET  /v1/keys                200  the platform's public keys, for anybody: a JWK Set (RFC 7517)
//	GET  /v1/callbacks           200  {"callbacks":[...],"next":"..."}: what the merchant was told; see Callbacks
//	GET  /v1/callbacks/{id}      200  one callback with its attempts
//	POST /v1/callbacks/{id}/resend  202  has it made once more, now
//	GET  /v1/endpoints           200  {"endpoints":[...]}: the places that do not take callbacks
//	POST /v1/endpoints/enable    200  {"url"}: lets callbacks go to one again that is disabled
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
// # Refunds
//
// A settled bill is given back whole or in part, several times, to the card that paid it. A
// [RefundOrder] is a JSON object, read as strictly as an order, of
//
//	amount     in minor units; all that is left of the bill when left out
//	reason     1 to 140 printable characters, for people
//	reference  the merchant's own, 1 to 64 characters, unique among the bill's refunds
//
// and comes with a reference or an Idempotency-Key, by which a repeat on the same bill is
// known: the same request again answers the same refund, with Idempotent-Replayed: true.
// A refund is pending, with its money out of the merchant's account, then posted, when the
// payer has it, or voided: failure is not_enough_funds, when the merchant's account has too
// little, or account_gone. All that are not voided never come to more than the bill's amount.
// A bill is answered with its refunds, and with refunded: what the posted ones come to.
//
// # Statements
//
// A [Statement] tells what each of a merchant's accounts was owed as a UTC day began, what
// happened on it, and what it is owed as the day ended, or by now while it lasts. Money is the
// merchant's from the moment that it is paid; what is paid and has not come home to the
// merchant's own account yet is told as on its way, and is part of closing. Payments come by
// the age of their bills, then refunds, then settlements. Amounts are in minor units; a
// line's is what it adds to what the merchant is owed.
//
//	opening + lines = closing
//
// for each account, and the lines are as many and as much as the account says. What is not so
// is said in words under differences, in CSV in lines of kind difference; on a statement that
// adds up there are none. CSV is RFC 4180 with a header line: [WriteStatementCSV]. A statement
// of any length is sent as it is read; one that was cut off has no differences, in CSV no closing. In profiles
// that sign, it is signed whole; profile legacy has no CSV.
//
// # Profiles
//
// A merchant has one profile, from when it is opened and for good. A request that is
// less than its merchant's profile asks for is refused, whatever else is right with it.
//
//	key     "Authorization: Bearer API_KEY"; answers are not signed; callbacks by Standard Webhooks
//	modern  requests, answers and callbacks signed by RFC 9421; what is sensitive is a JWE
//	legacy  the method of 2010: sorted fields, MD5 and RSA; 3DES. Served only with --allow-legacy
//
// A merchant that signs makes its key pair itself (airtill keys pair, or openssl), and
// the office is told the public half. A key's id is its JWK thumbprint (RFC 7638, SHA-256,
// base64url): 43 characters. The platform's keys are those of GET /v1/keys, by kid: use
// is sig or enc, and alg says what the one for legacy is, RSA-MD5. A merchant pins them,
// or fetches them over https, again when it meets a kid that it does not know.
//
// # Profile modern
//
// A request has one signature with tag="airtill" (RFC 9421), whose label may be any, and
// no API key. Signature-Input says
//
//	created   within 5 minutes of the platform's clock
//	keyid     the merchant's number, a slash, the key's id: "10000010/9msO4cok..."
//	alg       if at all, the one of the key: ed25519, rsa-pss-sha512 or ecdsa-p256-sha256
//	nonce     new in each request, unless an Idempotency-Key is covered
//	tag       "airtill"
//
// and covers, in any order, more than this if it likes:
//
//	"@method", and "@target-uri" or all of "@authority" "@path" "@query" (which is ? without a query)
//	"content-digest" "content-type"   with a body; the digest is sha-256 or sha-512
//	"idempotency-key"                 of an order and of a refund, where the field must be there
//
// [signature.Sign] has an example with a fixed key and time, for other languages to be tested by.
//
// An order has neither phone nor buyer_phone nor payee, but sealed: a JWE in compact form
// (RFC 7516) for a key with use enc, its kid in the header; alg is ECDH-ES for a key on
// P-256 and RSA-OAEP-256 for an RSA key, enc is A256GCM or A256CBC-HS512. No other header
// parameters but epk, typ and cty are taken. Its plaintext is a JSON object:
//
//	{"merchant":"10000010","reference":"order-1001","phone":"8613800000001","buyer_phone":...,"payee":...,"goods":...}
//
// Merchant and reference must be those of the order, so that it is good for no other. Goods
// may be here or in the clear, not in both. Who sends an order again may seal it again.
//
// Answers, refusals too, are signed by the platform with tag="airtill"; keyid is a kid. The
// signature covers at least
//
//	"@status" "content-type" "content-digest"
//	"@method";req "@authority";req "@path";req "@query";req "signature";req
//
// so that an answer is to this request and no other. An answer without it was given by
// somebody else, or before the platform knew whom it speaks to: whatever it says, the
// request may be done, and repeating it finds out. Answers hold no goods.
//
// A callback is signed twice: by Standard Webhooks with the webhook secret, and by RFC 9421
// with a kid, over "@method" "@authority" "@path" "@query" "content-type" "content-digest"
// "webhook-id" "webhook-timestamp". Check both, and that the content has its digest.
//
// # Profile legacy
//
// A message is a set of fields, each once: in the query of a GET; else in the body, as a
// form (application/x-www-form-urlencoded) or as a JSON object, and then nothing is in the
// query. Values are strings; what an order has as a number or as JSON is its text. Besides
// its own fields each message has
//
//	merchant    its number
//	service     method and path with a blank between: POST /v1/bills; of callbacks: callback
//	serial      1 to 128 characters, never used again
//	time        UTC, yyyyMMddHHmmss, within 5 minutes of the platform's clock
//	key         the id of the key that signs
//	sign_type   RSA-MD5
//	sign        base64 of the signature
//
// What is signed is all fields but sign, sorted by name in octets, each written name=value
// as a form is (letters, digits and -._~ as they are, a blank as +, all else as %XX of
// UTF-8), joined by &. The signature is RSASSA-PKCS1-v1_5 with MD5 (RFC 8017) by a key of
// 2048 bits or more. See the example of [signature.Fields.Base].
//
// In an order phone, buyer_phone and payee are hidden under the field key, and goods may
// be, in the field goods_sealed. The field key is base64 of 32 octets: two double-length
// 3DES keys, the first to encipher, the second for the MAC. A hidden value is base64 of
//
//	IV (8 octets, random), 3DES-CBC of the value with padding 80 00.., MAC (8 octets)
//
// where the MAC is ISO/IEC 9797-1 algorithm 3 with padding method 2 over the field's name
// (goods_sealed where it is that), a zero octet, IV and ciphertext.
//
// Answers are such messages too: a form to a form, or when Accept names forms, else JSON. Their
// service is that of the request, answer_to is its serial, http_status is the status; a key
// of GET /v1/keys signs. Lists are JSON in a field. A request whose own signature is not good
// is answered by a problem that is not signed. There is no Idempotency-Key: the reference serves.
//
// A callback is a form of type, timestamp and the fields of [Result], with service=callback; its
// serial is the same in every attempt. It is taken only if the answer is a signed form with
// result=success, service=callback, answer_to of that serial and http_status of the answer.
//
// # Callbacks
//
// Results go to merchants as POST of a [Callback], signed as their profile has it. In
// profile key that is Standard Webhooks 1.0.0; see [WebhookSecret] and [VerifyCallback]. A
// merchant answers 2xx at once; the webhook-id is the same in every attempt, and may come
// more than once. [CallbackReader] does it for each profile. The type is bill. and the state
// that the bill ended in; or refund.posted or refund.voided, and then data has refund, and
// refunded, beside what it has of the bill.
//
// A callback is a [platform.Callback]: about a bill, or with refund about that refund of it. Its
// id is the webhook-id: evt_, 26 letters and digits, _ and the number of the refund if it is
// about one, _ and the state; the id of the bill or refund serves too. It is pending, delivered
// or exhausted. Lists are by state=, in pages limit= (1 to 200, else 50), after=; those of the
// newest bill come first, about its refunds before the one about itself. An attempt by hand is
// made of one that is acknowledged or exhausted too; while one is under way it is answered with that.
//
// # Keys that change
//
// Of each kind two keys are good at a time. Rotate brings the next one into use, retire
// ends the older one; in between both are good, so nobody has to be there at a certain moment.
// Of an API key, a public key and a field key either is taken. A callback has a signature
// of each webhook secret. Of the platform's two signing keys the older one signs until it is retired:
// merchants have the time between to learn the newer. Of its two sealing keys either opens.
//
// # Office
//
// The platform's own staff carry the operator's key: "Authorization: Bearer OPERATOR_KEY".
//
//	GET  /v1/office/branch-key                200  the key that enrolment secrets are sealed to
//	POST /v1/office/enrolments                201  binds cards to a secure element, answers its personalisation
//	POST /v1/office/enrolments/batch          200  an [EnrolmentBatch]: up to 256 of them; each row of the answer
//	                                               is enrolled, or has a problem; one act in the log
//	GET  /v1/office/phones                    200  who is enrolled
//	POST /v1/office/phones/{msisdn}/unlock    200  {"slot","by","note"}: a locked card takes PINs again
//	POST /v1/office/phones/{msisdn}/release   200  {"by","note"}: a phone that is held can pay again
//	GET  /v1/office/alarms                    200  what to look at, and how many packets were dropped
//	GET  /v1/office/partitions                200  which platform process serves which part of the store
//	POST /v1/office/merchants                 201  opens a [Merchant]; the one answer with its secrets
//	GET  /v1/office/merchants                 200  merchants, their profiles, keys and balances
//	POST /v1/office/merchants/{id}/keys       200  a [KeyChange]; the one answer with a new secret
//	POST /v1/office/keys                      200  a [KeyChange] of the platform's own keys
//	POST /v1/office/settlements               200  a [Settle]: a merchant is paid out to its bank
//	GET  /v1/office/merchants/{id}/statement  200  as GET /v1/statement
//	GET  /v1/office/callbacks                 200  as GET /v1/callbacks: of merchant=, or of all those pending or exhausted
//	GET  /v1/office/callbacks/{id}            200  as GET /v1/callbacks/{id}, of any merchant
//	POST /v1/office/callbacks/{id}/resend     202  {"by","note"}: a callback is made once more, now
//	GET  /v1/office/endpoints                 200  as GET /v1/endpoints, of merchant= or of all
//	POST /v1/office/endpoints/enable          200  {"merchant","url","by","note"}: callbacks go there again
//	GET  /v1/office/log                       200  {"acts":[...],"next":"act_..."}: what the office did, oldest first;
//	                                               since= a day or a time, by=; pages limit=, after=
//	POST /v1/office/log                       201  {"act","on","by","note"}: something done elsewhere, such as a backup
//	GET  /v1/office/reconciliation            200  what is lost between partitions, a [Reconciliation]
//	POST /v1/office/reconciliation            200  repairs it: what was repaired, and what is left
//	GET  /livez, /readyz                      200, or 503 while not ready; no key is asked for
//
// To open a merchant: id and name; payees, callback_url and profile (key when left out); of one
// that signs public_key, PEM or a JWK, or keys, an array of one or two {"pem":"..."}. The answer
// has api_key and webhook_secret (key), webhook_secret (modern) or field_key (legacy), and
// platform_keys for a merchant that signs. Every act on keys, cards and phones says by whom
// and why, and is kept in the journal.
//
// Every POST of the office is in its log before it is done, with who did it (by, which an
// enrolment and a new merchant may have too), from where, and on what; and then with what
// became of it, refusals too. What cannot be written down is not done. The log is append-only, in the
// journal, whose hash chain airtill audit verifies. It has no secrets and masks phones.
//
// A settlement pays out all that was paid to the merchant before it was asked for, whatever the
// day; it brings home what is on its way first. The same id again pays nothing, and answers
// with Idempotent-Replayed: true. One that finds nothing to pay out is not kept.
//
// # Errors
//
// Every error is application/problem+json (RFC 9457) with type, title, status,
// detail, instance and, when a field is to blame, field. The type is
// urn:airtill:problem:CODE, stable, and loads nothing.
//
//	400  bad-request           not readable: no JSON object, a header or query that is wrong
//	400  digest-mismatch       the content is not what Content-Digest says
//	401  unauthorised          no key or signature that will do, or less than the merchant's profile asks for
//	404  not-found             no such thing, or another merchant's
//	405  method-not-allowed    Allow says which are
//	409  reference-taken       the reference belongs to another order or refund
//	409  illegal-state         the bill's state, or what keys there are, forbids it
//	409  already-enrolled      the phone, the element or the merchant's number is in use
//	413  too-large             the body is over its cap
//	415  unsupported-type      the body is said to be neither JSON nor what curl -d says of it, or is encoded
//	422  invalid               a field of the body is missing or wrong
//	422  unknown-phone         the designated phone is not enrolled
//	422  idempotency-mismatch  the key came with another order or refund
//	500  internal              our fault
//	503  unavailable           not done; try again
//	504  unknown-outcome       may be done; repeat the same request to find out
//
// # Integrity
//
// Content-Digest (RFC 9530, sha-256 and sha-512) is verified where a request has it,
// and set on every answer and callback; [Client] sets it on its requests and
// checks that answers match theirs. Digests of other algorithms are passed over.
package api

import "time"

// Bounds of a request.
const (
	MaxBody      = 64 << 10 // octets of a request's body
	MaxGoods     = 16 << 10 // octets of an order's goods
	MaxReference = 64       // characters
	MaxSubject   = 64       // characters
	MaxReason    = 140      // characters, of a refund
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
