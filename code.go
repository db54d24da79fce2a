package certify

// A Code names one reason for a refusal, for logs, for problem documents and
// for [errors.Is]. Codes are stable; docs/problems.md explains each.
//
// A Code is also the plainest error of its kind.
type Code string

// Error makes a Code what errors.Is finds. It says nothing about the person.
func (c Code) Error() string { return "certify: " + string(c) }

// Reasons why a request carries no claim that counts. Answered with 401, or
// by sending a navigation to the start page.
const (
	CodeVerificationRequired Code = "verification_required" // no claim
	CodeClaimExpired         Code = "claim_expired"
	CodeClaimMalformed       Code = "claim_malformed"      // not a claim of ours, or one that contradicts itself
	CodeClaimWrongKey        Code = "claim_wrong_key"      // unknown key or bad signature
	CodeClaimWrongAudience   Code = "claim_wrong_audience" // issued by or for someone else
	CodeClaimRevoked         Code = "claim_revoked"
	CodeClaimOtherAccount    Code = "claim_other_account" // see SessionConfig.Account
)

// Reasons of the built-in policies. Answered with 403, but [CodeStale] with 401.
const (
	CodeUnderage                Code = "underage"
	CodeOverage                 Code = "overage"
	CodeAgeUncertain            Code = "age_uncertain"             // the claim can no longer tell
	CodeGuardianConsentRequired Code = "guardian_consent_required" // under 14: PIPA, art. 22-2
	CodeForeignerRequired       Code = "foreigner_required"
	CodeKoreanRequired          Code = "korean_required"
	CodeNationalityUnknown      Code = "nationality_unknown"
	CodeStale                   Code = "stale" // verified too long ago
	CodeAccountRequired         Code = "account_required"
	CodeExcluded                Code = "excluded"      // a Not policy, or a Denial without a Code
	CodePolicyFailed            Code = "policy_failed" // a policy's plain error, or its panic: answered with 500
)

// Reasons why a verification was not completed into a claim.
const (
	CodeAttemptMissing          Code = "attempt_missing"       // this browser began no such attempt
	CodeAttemptExpired          Code = "attempt_expired"       // begun too long ago
	CodeAttemptOtherAccount     Code = "attempt_other_account" // begun under another account
	CodeAttemptUsed             Code = "attempt_used"          // for another verification
	CodeVerificationIDMissing   Code = "verification_id_missing"
	CodeVerificationIDMalformed Code = "verification_id_malformed"
	CodeVerificationCancelled   Code = "verification_cancelled"   // the browser says so
	CodeVerificationOutOfTime   Code = "verification_out_of_time" // verified before or too long after the attempt's start, or redeemed too late
	CodeVerificationRefused     Code = "verification_refused"     // provider: no such record; or it names another attempt
	CodeVerificationPending     Code = "verification_pending"     // provider: not completed yet
	CodeChannelRefused          Code = "channel_refused"          // provider: test channel, or one that is not allowed
	CodeProviderUnavailable     Code = "provider_unavailable"     // provider: down, slow or overloaded
	CodeProviderInvalid         Code = "provider_invalid"         // provider: its answer contradicts itself or the contract
	CodeProviderMisconfigured   Code = "provider_misconfigured"   // provider: it refuses the operator's credentials
	CodeAccountRefused          Code = "account_refused"          // HandlerConfig.Accept refused with a plain Denial
	CodeStartRefused            Code = "start_refused"            // HandlerConfig.AllowStart refused
)

// Reasons that concern the request or the server itself.
const (
	CodeRequestMalformed     Code = "request_malformed"
	CodeRequestTooLarge      Code = "request_too_large"
	CodeMediaTypeUnsupported Code = "media_type_unsupported"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeNotFound             Code = "not_found"
	CodeCrossOrigin          Code = "cross_origin"
	CodeBrowserRefused       Code = "browser_refused"  // where only native apps are served
	CodePrefetchRefused      Code = "prefetch_refused" // the browser loads ahead what only a visitor may open
	CodeReturnPathRefused    Code = "return_path_refused"
	CodeStoreUnavailable     Code = "store_unavailable"
	CodeAccountUnavailable   Code = "account_unavailable" // SessionConfig.Account cannot tell
	CodeInternal             Code = "internal"
)
